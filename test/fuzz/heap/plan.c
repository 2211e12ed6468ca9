#include "plan.h"

#include <string.h>

/* Of what is live at a time; more would only be slow. */
#define LIVE_MOST ((size_t)256 << 20)

/* The arena's, where no knob says otherwise. */
#define DEFAULT_MAX_SPAN ((size_t)32 << 20)

enum holds { HOLDS_NONE, HOLDS_BLOCK, HOLDS_MAPPING };

/* What each slot will hold if every step goes well. */
struct model {
    enum holds holds;
    size_t size;
};

static struct model models[NSLOTS];
static size_t live;

/* Of the thread that forked last: its slots as the parent has them, and what the child has to do. */
static struct model before_fork[NSLOTS];
static int child_left;

static const struct plan *plan;
static struct choices *source;

static int below(int n)
{
    return (int)(choose(source) % (uint64_t)n);
}

static bool one_in(int n)
{
    return below(n) == 0;
}

#define PICK(...)                                                                                  \
    ((const int[]){__VA_ARGS__}[below((int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))])

static size_t near_border(void)
{
    size_t border = plan->borders[below(2)];
    if (one_in(500))
        border = DEFAULT_MAX_SPAN;
    else if (border == 0)
        border = PAGE << below(1 + below(10));
    return border - 16 + (size_t)below(33);
}

static size_t some_size(void)
{
    size_t size;
    int kind = below(200);
    if (kind < 90)
        size = (size_t)below(kind < 10 ? 64 : 4097);
    else if (kind < 110)
        size = near_border();
    else if (kind < 155)
        size = (8 << 10) + (size_t)below(44 << 10);
    else if (kind < 175)
        size = ((size_t)1 << (16 + below(1 + below(5)))) + (size_t)below(64 << 10);
    else if (kind < 199 || one_in(2))
        size = PAGE * (size_t)(1 + below(PICK(4, 16, 16, 16, 64, 64, one_in(3) ? 512 : 16))) - 1 +
               (size_t)below(3);
    else
        size = (size_t)(one_in(16) ? below(40 << 20) : below(4 << 20));
    return size <= LIVE_MOST - (live < LIVE_MOST ? live : LIVE_MOST) ? size : (size_t)below(4097);
}

/* What no allocator can grant. */
static size_t absurd_size(void)
{
    switch (below(4)) {
    case 0:
        return SIZE_MAX - (size_t)below(8192);
    case 1:
        return (size_t)PTRDIFF_MAX - 8192 + (size_t)below(16384);
    case 2:
        return (size_t)1 << (48 + below(16));
    default:
        return ((size_t)1 << 48) + (size_t)choose(source) % ((size_t)1 << 62);
    }
}

/* As count elements, now and then of a product that does not fit a size_t. */
static void split(struct step *step)
{
    static const uint8_t widths[] = {1, 1, 2, 4, 8, 16, 24, 48};
    size_t width = widths[below(8)];
    if (one_in(200)) {
        step->count = ((size_t)1 << 33) + (size_t)below(100);
        step->size = ((size_t)1 << 31) + (size_t)below(100);
        return;
    }
    step->count = step->size / width;
    step->size = width;
    if (one_in(2)) {
        step->size = step->count;
        step->count = width;
    }
}

static size_t some_alignment(void)
{
    int kind = below(64);
    if (kind == 0)
        return (size_t)1 << (12 + below(15));
    if (kind < 8)
        return (size_t)1 << below(22);
    return (size_t)1 << below(13);
}

static enum style some_style(size_t size)
{
    int whole = size <= 1024 ? 1 : size <= 64 << 10 ? 32 : 800;
    if (one_in(whole))
        return STYLE_WHOLE;
    if (one_in(whole / 4))
        return STYLE_PAGES;
    return one_in(8) ? STYLE_SAMPLES : STYLE_EDGES;
}

static void set(int slot, enum holds holds, size_t size)
{
    live += (holds != HOLDS_NONE ? size : 0) - models[slot].size;
    models[slot].holds = holds;
    models[slot].size = holds != HOLDS_NONE ? size : 0;
}

static void fill_empty(struct step *step)
{
    static const uint8_t kinds[] = {STEP_MALLOC,         STEP_MALLOC, STEP_MALLOC, STEP_MALLOC,
                                    STEP_MALLOC,         STEP_MALLOC, STEP_MALLOC, STEP_CALLOC,
                                    STEP_CALLOC,         STEP_MAP,    STEP_MAP,    STEP_REALLOC,
                                    STEP_POSIX_MEMALIGN, STEP_MALLOC, STEP_MALLOC};
    static const uint8_t rare[] = {STEP_ALIGNED_ALLOC, STEP_MEMALIGN,     STEP_POSIX_MEMALIGN,
                                   STEP_VALLOC,        STEP_PVALLOC,      STEP_FREE,
                                   STEP_USABLE,        STEP_REALLOCARRAY, STEP_ALIGNED_ALLOC};
    step->kind = one_in(8) ? rare[below(sizeof rare)] : kinds[below(sizeof kinds)];
    step->align = some_alignment();
    if (step->kind == STEP_POSIX_MEMALIGN && one_in(20))
        step->align = (size_t)PICK(0, 1, 4, 24, 4095, 4097);
    /* All of it is written, and read. */
    if (step->kind == STEP_CALLOC && step->size > 64 << 10 && !one_in(16))
        step->size = (size_t)below(64 << 10);
    if (step->kind == STEP_MAP && step->size > 256 << 10 && !one_in(4))
        step->size = (size_t)below(256 << 10);
    if (step->kind == STEP_MAP && step->size == 0)
        step->size = 1;
    if (step->kind == STEP_FREE || step->kind == STEP_USABLE)
        return;
    if (step->kind == STEP_MAP)
        set(step->slot, HOLDS_MAPPING, step->size);
    else if (step->kind != STEP_POSIX_MEMALIGN ||
             (step->align >= sizeof(void *) && (step->align & (step->align - 1)) == 0))
        set(step->slot, HOLDS_BLOCK, step->size);
}

static void change_block(struct step *step)
{
    int kind = below(100);
    size_t was = models[step->slot].size;
    if (kind < 60) {
        step->kind = STEP_FREE;
        set(step->slot, HOLDS_NONE, 0);
        return;
    }
    if (kind < 78) {
        step->kind = kind < 75 ? STEP_REALLOC : STEP_REALLOCARRAY;
        int way = below(8);
        if (way == 0)
            step->size = was / 2;
        else if (way < 3 && live < LIVE_MOST && was < (one_in(8) ? 1 << 20 : 1 << 16))
            step->size = was * 2;
        else if (way == 3)
            step->size = was + (size_t)below(200) < 100 ? 0 : was - 100 + (size_t)below(200);
        if (one_in(100))
            step->size = 0;
        set(step->slot, step->size != 0 ? HOLDS_BLOCK : HOLDS_NONE, step->size);
        return;
    }
    step->kind = kind < 82 ? STEP_USABLE : STEP_CHECK;
    step->style = (uint8_t)some_style(was);
}

static void change_mapping(struct step *step)
{
    int kind = below(100);
    size_t was = models[step->slot].size;
    if (kind < 60) {
        step->kind = STEP_UNMAP;
        set(step->slot, HOLDS_NONE, 0);
    } else if (kind < 85) {
        step->kind = STEP_REMAP;
        if (one_in(2) && live < LIVE_MOST && was < (one_in(8) ? 1 << 20 : 1 << 17))
            step->size = was * 2;
        if (step->size == 0)
            step->size = 1;
        set(step->slot, HOLDS_MAPPING, step->size);
    } else if (kind < 92) {
        step->kind = STEP_CUT;
        step->size = 1 + choose(source) % was;
        set(step->slot, HOLDS_MAPPING, step->size);
    } else {
        step->kind = STEP_CHECK;
        step->style = (uint8_t)some_style(was);
    }
}

static bool can_be_absurd(enum step_kind kind)
{
    return kind == STEP_MALLOC || kind == STEP_CALLOC || kind == STEP_REALLOC ||
           kind == STEP_ALIGNED_ALLOC || kind == STEP_MEMALIGN || kind == STEP_VALLOC ||
           kind == STEP_PVALLOC;
}

/* Any slot of the thread's, or, often, one of its last four: what was freed comes back at once. */
static int some_slot(const struct step *step)
{
    static int last[THREADS_MOST][4];
    int *mine = last[step->thread];
    int slot = mine[below(4)];
    if (one_in(2) || step_owner(slot, step->round, plan->nthreads) != step->thread) {
        do
            slot = below(NSLOTS);
        while (step_owner(slot, step->round, plan->nthreads) != step->thread);
        mine[below(4)] = slot;
    }
    return slot;
}

static void end_child(int round)
{
    for (int slot = 0; slot < NSLOTS; slot++)
        if (step_owner(slot, round, plan->nthreads) == 0)
            set(slot, before_fork[slot].holds, before_fork[slot].size);
    child_left = 0;
}

/* Forks and trims; false: none is due. */
static bool special(struct step *step)
{
    if (one_in(50000)) {
        step->kind = STEP_TRIM;
        return true;
    }
    if (step->thread != 0 || child_left > 0 || below(100000) >= plan->forks)
        return false;
    step->kind = STEP_FORK;
    step->count = (uint64_t)(1 + below(PICK(4, 50, 200)));
    memcpy(before_fork, models, sizeof models);
    child_left = (int)step->count;
    return true;
}

static void make_step(struct step *step)
{
    if (special(step))
        return;
    step->slot = (uint16_t)some_slot(step);
    step->size = some_size();
    step->tag = choose(source);
    step->usable = one_in(2);
    struct model was = models[step->slot];
    if (was.holds == HOLDS_NONE)
        fill_empty(step);
    else if (was.holds == HOLDS_BLOCK)
        change_block(step);
    else
        change_mapping(step);
    if (step->kind != STEP_CHECK)
        step->style = (uint8_t)some_style(step->size);
    if (can_be_absurd((enum step_kind)step->kind) && one_in(300)) {
        step->size = absurd_size();
        set(step->slot, was.holds, was.size);
    }
    if (step->kind == STEP_CALLOC || step->kind == STEP_REALLOCARRAY)
        split(step);
}

void plan_make(struct choices *choices, const struct plan *of, struct step *steps, int nsteps)
{
    source = choices;
    plan = of;
    memset(models, 0, sizeof models);
    live = 0;
    child_left = 0;
    int round = 0, left = 0, lone = -1;
    for (int i = 0; i < nsteps; i++) {
        if (left-- == 0) {
            if (child_left > 0)
                end_child(round);
            round++;
            left = 500 << below(4);
            lone = plan->lone && one_in(2) ? below(plan->nthreads) : -1;
        }
        int thread = lone >= 0 ? lone : below(plan->nthreads);
        steps[i] = (struct step){.round = (uint16_t)round, .thread = (uint8_t)thread};
        make_step(&steps[i]);
        if (steps[i].thread == 0 && steps[i].kind != STEP_FORK && child_left > 0 &&
            --child_left == 0)
            end_child(round);
    }
}
