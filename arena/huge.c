#include "huge.h"

#include <sys/mman.h>

#include "config.h"
#include "os.h"
#include "region.h"
#include "waste.h"

/* In all there may be 4 MB of waste, counted in its units, or a twentieth of what is huge and in use. */
#define WASTE_MOST ((size_t)64)
#define WASTE_SHARE 20

/*
 * What one counts for that is new, and is touched next. One only: as long as it was not looked into, all of
 * others counts, and all of what is not touched at once. It may be used as a whole, or in a few places.
 */
#define WASTE_NEW 8

/* One of which seven eighths are used is not looked into again: that takes 10 us. */
#define WASTE_LITTLE (WASTE_UNITS / 8)
#define LOOKS_MOST 4

/* After so many refusals in a row the next one is without a look, then the next 3, the next 7, up to 31. */
#define REFUSALS_LOOKED_AT 4
#define REFUSALS_MOST (REFUSALS_LOOKED_AT + 5)

/*
 * What is small for sure: the first superblock, the second unless most of the first is in use (it is a
 * large part of a program that is hardly larger), and all as long as the last of them that were looked into hold
 * less than this.
 */
#define FULL_PAGES (SUPER_PAGES * 11 / 16)
#define SMALL_LOOKS 4
#define SHOWN_PAGES ((size_t)192)

/*
 * Plus the waste, of those that are huge, or were: then some of it is still resident. Above that each
 * change counts, so that what was found out about a state never goes into a later one.
 */
enum { UNDECIDED = 0x00, SMALL = 0x40, SPLIT = 0x80, HUGE = 0xc0 };
#define KIND(state) ((state)&0xc0U)
#define WASTE(state) ((state)&0x3fU)
#define COUNTED(state) (((state) | 0xffU) + 1)

/* Each split one may take a mapping (vm.max_map_count): beyond so many they stay as they are. */
#define SPLIT_MOST ((size_t)4096)

/* By superblock; NULL: all are alike. */
struct super {
    uint16_t state;
    /*
     * Whether there may be a seam in it, or beside it. Advice has passed over odd pages, which may be
     * plain by now; or it is no longer huge, and that is not how it was at first.
     */
    bool mixed;
};
static struct super *supers;

/* What all of the region is under, but for huge superblocks and those that were; 0: nothing. */
static int advice;

/* Whether the system gives huge pages to everybody. */
static bool for_all;

static size_t nhuge;
static size_t nsplit;
static size_t waste; /* of both */

/* The last one that counts as new, and how many threads are at it. */
static size_t last;
static unsigned ndeciding;

/* Whether small ones were found in use: the program uses memory. */
static bool shown;

/*
 * Where the system gives huge pages to everybody, it would give them to small programs, too, and the
 * region is under MADV_NOHUGEPAGE. Elsewhere it is under no advice, as a fresh mapping is, which so
 * merges with its neighbours at once.
 */
void huge_init(void)
{
    enum os_huge_pages offer = os_huge_pages();
    if (g_config.thp == THP_ALWAYS)
        advice = MADV_HUGEPAGE;
    else if (offer == OS_HUGE_TO_ALL)
        advice = MADV_NOHUGEPAGE;
    for_all = offer == OS_HUGE_TO_ALL;
    if (advice != 0 && !os_advise(region_addr(0), g_region.nbytes, advice))
        advice = 0;
    if (offer == OS_HUGE_NONE || g_config.thp != THP_AUTO || g_config.guard != 0)
        return;
    supers = os_map_table(g_region.nbytes / SUPER_BYTES * sizeof *supers);
    /* What is read before it is written takes two faults. */
    if (supers != NULL)
        supers[0] = (struct super){UNDECIDED, false};
}

bool huge_are_some(void)
{
    return supers != NULL;
}

static unsigned read_state(size_t super)
{
    return __atomic_load_n(&supers[super].state, __ATOMIC_RELAXED);
}

/* From what was read. False: somebody else has changed it. */
static bool change_state(size_t super, unsigned from, unsigned to)
{
    uint16_t expected = (uint16_t)from;
    if (!__atomic_compare_exchange_n(&supers[super].state, &expected,
                                     (uint16_t)(COUNTED(from) + to), false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return false;
    __atomic_fetch_add(&waste, (size_t)WASTE(to) - WASTE(from), __ATOMIC_RELAXED);
    __atomic_fetch_add(&nhuge, (size_t)(KIND(to) == HUGE) - (KIND(from) == HUGE), __ATOMIC_RELAXED);
    __atomic_fetch_add(&nsplit, (size_t)(KIND(to) == SPLIT) - (KIND(from) == SPLIT),
                       __ATOMIC_RELAXED);
    return true;
}

/* What the program has changed is left alone: it may be a part of one mapping, across the border. */
static bool advise_plain(size_t super, int advice_now)
{
    struct run run = {super * SUPER_PAGES, 0};
    size_t end = run.first + SUPER_PAGES;
    bool differs = advice_now != MADV_HUGEPAGE && advice_now != advice;
    __atomic_store_n(&supers[super].mixed,
                     differs || page_map_any(PAGE_ODD, run.first, SUPER_PAGES), __ATOMIC_RELAXED);
    bool all = true;
    while ((run = page_map_next(PAGE_ODD, false, run.first + run.npages, end)).npages != 0)
        all &= os_advise(region_addr(run.first), run.npages * PAGE_BYTES, advice_now);
    return all;
}

/*
 * Notes the waste in a superblock that had some. Nothing of a huge one is resident: it was not touched yet.
 * False: it cannot look.
 */
static bool look_into(size_t super)
{
    size_t nresident;
    unsigned unused;
    unsigned state = read_state(super);
    if (WASTE(state) <= WASTE_LITTLE)
        return true;
    if (!waste_look(super, &nresident, &unused))
        return false;
    if (nresident == 0 && KIND(state) == HUGE)
        unused = WASTE_UNITS;
    if (nresident != 0 || KIND(state) == SPLIT || WASTE(state) < unused)
        change_state(super, state, KIND(state) + unused);
    return true;
}

static size_t count_supers(void)
{
    return region_used_pages() / SUPER_PAGES;
}

/* In turn, one of those with waste. */
static size_t next_in_turn(void)
{
    static size_t turn;
    size_t nsupers = count_supers();
    size_t super = __atomic_load_n(&turn, __ATOMIC_RELAXED);
    for (size_t i = 0; i < nsupers; i++) {
        super = super + 1 < nsupers ? super + 1 : 0;
        if (WASTE(read_state(super)) > WASTE_LITTLE)
            break;
    }
    __atomic_store_n(&turn, super, __ATOMIC_RELAXED);
    return super;
}

/* What was only read is resident, too. */
static bool first_is_full(void)
{
    size_t nresident;
    unsigned unused;
    return waste_look(0, &nresident, &unused) && nresident >= FULL_PAGES && unused <= WASTE_LITTLE;
}

static bool last_are_in_use(size_t super)
{
    size_t nresident = 0;
    for (size_t i = 1; i <= SMALL_LOOKS && i <= super; i++)
        nresident += waste_resident(super - i);
    return nresident >= SHOWN_PAGES;
}

static bool has_shown(size_t super)
{
    if (super == 0)
        return false;
    if (__atomic_load_n(&shown, __ATOMIC_RELAXED))
        return true;
    if (super == 1 ? !first_is_full() : !last_are_in_use(super))
        return false;
    __atomic_store_n(&shown, true, __ATOMIC_RELAXED);
    return true;
}

/* Counts so much more as waste, before it is there: threads that come at the same time see each other. */
static bool take_room(unsigned more)
{
    size_t before = __atomic_fetch_add(&waste, more, __ATOMIC_RELAXED);
    size_t units = __atomic_load_n(&nhuge, __ATOMIC_RELAXED) * WASTE_UNITS;
    size_t used = units > before ? units - before : 0;
    if (before + more <= max_size(used / WASTE_SHARE, WASTE_MOST))
        return true;
    __atomic_fetch_sub(&waste, more, __ATOMIC_RELAXED);
    return false;
}

/* Once a state says it, or it does not come. */
static void return_room(unsigned more)
{
    __atomic_fetch_sub(&waste, more, __ATOMIC_RELAXED);
}

/*
 * Looks at the last that was new and one of the others, and at some more before it says no. Returns what was
 * counted; 0: no. It is little only where nobody else was at it before the last new one was looked into:
 * there is one such at a time.
 */
static unsigned look_for_room(bool touched_next)
{
    size_t newest = min_size(__atomic_load_n(&last, __ATOMIC_RELAXED), count_supers() - 1);
    bool alone = __atomic_load_n(&ndeciding, __ATOMIC_ACQUIRE) == 1;
    bool looked = look_into(newest);
    unsigned expected_waste = touched_next && alone && looked ? WASTE_NEW : WASTE_UNITS;
    size_t begun = SIZE_MAX;
    for (unsigned i = 0; i < LOOKS_MOST; i++) {
        size_t super = next_in_turn();
        if (super == begun)
            break;
        if (super != newest)
            look_into(super);
        if (take_room(expected_waste))
            return expected_waste;
        begun = i == 0 ? super : begun;
    }
    return 0;
}

/* The same, but that it pauses: there may never be room, and looks take longer than huge pages spare. */
static unsigned find_room(bool touched_next)
{
    static unsigned refusals, left;
    unsigned now_left = __atomic_load_n(&left, __ATOMIC_RELAXED);
    if (now_left != 0) {
        __atomic_store_n(&left, now_left - 1, __ATOMIC_RELAXED);
        return 0;
    }
    unsigned counted = look_for_room(touched_next);
    unsigned n = counted != 0 ? 0 : __atomic_load_n(&refusals, __ATOMIC_RELAXED) + 1;
    n = n < REFUSALS_MOST ? n : REFUSALS_MOST;
    __atomic_store_n(&refusals, n, __ATOMIC_RELAXED);
    __atomic_store_n(&left, n > REFUSALS_LOOKED_AT ? (1U << (n - REFUSALS_LOOKED_AT)) - 1 : 0,
                     __ATOMIC_RELAXED);
    return counted;
}

/*
 * Whoever comes meanwhile takes it for small. It is made huge only where memory goes on above it: so
 * all that the region grows by is one mapping with what was touched before, for the kernel, and parts
 * of it that were advised differently can be joined again, which those that were mapped and touched
 * apart cannot.
 */
static void make_huge(size_t super, unsigned expected_waste)
{
    if (!region_extend((super + 1) * SUPER_PAGES))
        return;
    /* Where a page is lost the kernel refuses after it has done the rest. */
    unsigned state = read_state(super);
    if (!advise_plain(super, MADV_HUGEPAGE))
        advise_plain(super, MADV_NOHUGEPAGE);
    else if (KIND(state) == SMALL && change_state(super, state, HUGE + expected_waste) &&
             expected_waste == WASTE_NEW)
        __atomic_store_n(&last, super, __ATOMIC_RELAXED);
}

/* False: it was decided on. */
static bool decide_small(size_t super)
{
    unsigned state = read_state(super);
    return KIND(state) == UNDECIDED && change_state(super, state, SMALL);
}

static void decide(size_t super, bool touched_next, bool unasked)
{
    if (!decide_small(super))
        return;
    if (unasked) {
        make_huge(super, 0);
    } else if (has_shown(super)) {
        __atomic_fetch_add(&ndeciding, 1, __ATOMIC_RELAXED);
        unsigned expected_waste = find_room(touched_next);
        if (expected_waste != 0) {
            make_huge(super, expected_waste);
            return_room(expected_waste);
        }
        __atomic_fetch_sub(&ndeciding, 1, __ATOMIC_RELEASE);
    }
}

/* What others were about to change is as they had left it: everything is counted again. */
void huge_forget(void)
{
    __atomic_store_n(&ndeciding, 0, __ATOMIC_RELAXED);
    waste_forget();
    waste = nhuge = nsplit = 0;
    for (size_t super = 0; supers != NULL && super < count_supers(); super++) {
        unsigned state = read_state(super);
        waste += WASTE(state);
        nhuge += KIND(state) == HUGE;
        nsplit += KIND(state) == SPLIT;
    }
}

static bool is_within(size_t super, size_t first, size_t npages)
{
    return super * SUPER_PAGES >= first && (super + 1) * SUPER_PAGES <= first + npages;
}

void huge_prepare(size_t first, size_t npages)
{
    /* More than a superblock: the system would give them without us. */
    bool unasked = for_all && npages > SUPER_PAGES;
    bool touched_next = true;
    if (supers == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++) {
        if (likely(KIND(read_state(super)) != UNDECIDED))
            continue;
        decide(super, touched_next, unasked);
        touched_next = false;
    }
}

void huge_decline(size_t first, size_t npages)
{
    if (supers == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        decide_small(super);
}

/* A huge one so that the kernel does not put another huge page there. */
static void end_state(size_t super, unsigned to)
{
    unsigned from = read_state(super);
    unsigned kind = KIND(from);
    if (kind == HUGE)
        advise_plain(super, MADV_NOHUGEPAGE);
    while (KIND(from) == kind && !change_state(super, from, to))
        from = read_state(super);
}

static void split(size_t super)
{
    unsigned state = read_state(super);
    if (KIND(state) == HUGE && __atomic_load_n(&nsplit, __ATOMIC_RELAXED) < SPLIT_MOST)
        end_state(super, SPLIT + WASTE(state));
}

/* A huge one will get another huge page, of which nobody knows how much will be used. */
static void begin_anew(size_t super)
{
    unsigned state = read_state(super);
    if (KIND(state) == SPLIT)
        change_state(super, state, SPLIT);
    if (KIND(state) != HUGE)
        return;
    if (find_room(false) == 0) {
        end_state(super, SMALL);
        return;
    }
    state = read_state(super);
    if (KIND(state) == HUGE)
        change_state(super, state, HUGE + WASTE_UNITS);
    return_room(WASTE_UNITS);
}

void huge_discarded(size_t first, size_t npages)
{
    if (supers == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        (is_within(super, first, npages) ? begin_anew : split)(super);
}

void huge_unfold(size_t first, size_t npages)
{
    size_t end = first + npages;
    if (__atomic_load_n(&nhuge, __ATOMIC_RELAXED) == 0)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < end; super++) {
        size_t from = max_size(super * SUPER_PAGES, first);
        size_t to = min_size((super + 1) * SUPER_PAGES, end);
        if (to - from < SUPER_PAGES && KIND(read_state(super)) == HUGE)
            os_advise(region_addr(from), (to - from) * PAGE_BYTES, MADV_COLD);
    }
}

void huge_purged(size_t first, size_t npages)
{
    if (supers == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        if (!is_within(super, first, npages))
            split(super);
        else if (KIND(read_state(super)) != UNDECIDED)
            end_state(super, UNDECIDED);
}

static int advice_of(size_t super)
{
    if (supers == NULL)
        return advice;
    if (KIND(read_state(super)) == HUGE)
        return MADV_HUGEPAGE;
    return __atomic_load_n(&supers[super].mixed, __ATOMIC_RELAXED) ? MADV_NOHUGEPAGE : advice;
}

/*
 * At first as what is below, so that it merges with that, and is of one origin; then as their
 * superblocks are. No advice can be taken back.
 */
static void advise_alike(size_t first, size_t npages)
{
    size_t end = first + npages;
    int below = first == 0 ? advice : advice_of((first - 1) / SUPER_PAGES);
    if (below != 0)
        os_advise(region_addr(first), npages * PAGE_BYTES, below);
    for (size_t next; supers != NULL && first < end; first = next) {
        size_t super = first / SUPER_PAGES;
        int wanted = advice_of(super);
        next = min_size((super + 1) * SUPER_PAGES, end);
        if (wanted == 0 && below != 0) {
            __atomic_store_n(&supers[super].mixed, true, __ATOMIC_RELAXED);
            wanted = MADV_NOHUGEPAGE;
        }
        if (wanted != below)
            os_advise(region_addr(first), (next - first) * PAGE_BYTES, wanted);
    }
}

void huge_mapped(size_t first, size_t npages)
{
    huge_discarded(first, npages);
    advise_alike(first, npages);
}

bool huge_replace(size_t first, size_t npages, bool accessible)
{
    if (!os_replace(region_addr(first), npages * PAGE_BYTES, accessible))
        return false;
    huge_mapped(first, npages);
    return true;
}

/* Whether all of it is under the same advice. */
static bool is_alike(size_t first, size_t npages)
{
    bool huge = KIND(read_state(first / SUPER_PAGES)) == HUGE;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        if ((KIND(read_state(super)) == HUGE) != huge ||
            __atomic_load_n(&supers[super].mixed, __ATOMIC_RELAXED))
            return false;
    return true;
}

void huge_follow(size_t first, size_t npages)
{
    if (supers != NULL && !is_alike(first, npages))
        advise_alike(first, npages);
}

void huge_join(size_t first, size_t npages)
{
    if (supers == NULL || is_alike(first, npages))
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++) {
        if (KIND(read_state(super)) == HUGE)
            split(super);
        __atomic_store_n(&supers[super].mixed, true, __ATOMIC_RELAXED);
    }
    os_advise(region_addr(first), npages * PAGE_BYTES, MADV_NOHUGEPAGE);
}
