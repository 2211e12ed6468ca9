/*
 * A seeded random driver of the arena against a model of its pages, contents included.
 *
 * After every step: new memory reads as zero and was nobody's, and a sample of the live pages hold
 * what was written to them. Every so often: all of them do, and the page map says of every page
 * what the model says.
 *
 * UNIT_SEED=n UNIT_STEPS=m build/test/unit/random_test.asan [case] repeats or extends a run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "budget.h"
#include "fake_kernel.h"
#include "page_arena.h"
#include "purge.h"
#include "router.h"
#include "shadow.h"
#include "space.h"
#include "thread.h"
#include "unit.h"

#define LIVE_MAX ((size_t)24000)
#define ODD_MAX 3000
#define CHECK_EVERY 400
#define SAMPLE 24

/* One thread has little to show TSan. */
#define SLOWNESS (UNIT_TSAN ? 5 : 1)

static struct unit_random dice;
static uint64_t seed;

/* What the kernel under the arena is like. */
static bool unreliable; /* calls fail: memory may be refused, pages may get lost */
static bool exhaustible;
static bool driving;

/* Recent spans, freed or not: where the interesting places are. */
#define NRECENT 256
static struct run recent[NRECENT];
static size_t nrecent;

static size_t below(size_t bound)
{
    return unit_random_below(&dice, bound);
}

static bool chance(size_t percent)
{
    return below(100) < percent;
}

static size_t region_pages(void)
{
    return g_region.nbytes / PAGE_BYTES;
}

static struct range range_of_run(struct run run)
{
    return range_of(region_addr(run.first), run.npages * PAGE_BYTES);
}

static void remember(struct run run)
{
    recent[nrecent++ % NRECENT] = run;
}

static struct run recall(void)
{
    return nrecent == 0 ? (struct run){0, 1} : recent[below(min_size(nrecent, NRECENT))];
}

/* A recent span, a part of it, or something around its start, of at most `longest` pages. */
static struct run somewhere(size_t longest)
{
    struct run run = recall();
    if (chance(50)) {
        run.first += below(run.npages);
        run.npages = 1 + below(run.npages);
    }
    if (chance(20)) {
        run.first -= min_size(run.first, below(100));
        run.npages += below(100);
    }
    run.npages = min_size(run.npages, longest);
    run.first = min_size(run.first, region_pages() - 1);
    run.npages = min_size(run.npages, region_pages() - run.first);
    return run;
}

static uint16_t any_tag(void)
{
    return (uint16_t)(1 + below(65535));
}

/* Most programs write to most of a small span and to parts of a large one. */
static void write_some(struct run run)
{
    if (run.npages <= 64)
        for (size_t page = run.first; page < run.first + run.npages; page++)
            shadow_write(page, any_tag());
    else
        for (int i = 0; i < 64; i++)
            shadow_write(run.first + below(run.npages), any_tag());
}

/* Memory that the arena has handed out just now. */
static void take_in(struct run run)
{
    CHECK(run.npages <= region_pages() - run.first);
    CHECK(!shadow_is_any_live(run));
    CHECK(unit_is_zero(region_addr(run.first), run.npages * PAGE_BYTES));
    shadow_map(run, false);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, run.first, run.npages), run.npages);
    if (chance(80))
        write_some(run);
    remember(run);
}

static size_t any_size(void)
{
    size_t kind = below(100);
    if (kind < 30)
        return 1;
    if (kind < 50)
        return (size_t[]){16, 32, 16, 64, 512}[below(5)];
    if (kind < 75)
        return 1 + below(40);
    if (kind < 93)
        return 1 + below(300);
    return kind < 99 ? 1 + below(2100) : 1 + below(10240);
}

static void unmap(void);

static bool is_room_for(size_t npages)
{
    for (int i = 0; i < 1000 && g_shadow_totals.live + npages > LIVE_MAX; i++)
        unmap();
    return g_shadow_totals.live + npages <= LIVE_MAX;
}

static void map(void)
{
    size_t npages = any_size();
    if (!is_room_for(npages))
        return;
    void *addr = space_map(npages * PAGE_BYTES - below(PAGE_BYTES));
    CHECK(addr != NULL || unreliable || exhaustible);
    if (addr == NULL)
        return;
    struct run run = {region_page((uintptr_t)addr), npages};
    if (npages >= SPAN_64K_PAGES && is_power_of_two(npages))
        CHECK_EQUAL((uintptr_t)addr % min_size(npages * PAGE_BYTES, SUPER_BYTES), 0);
    take_in(run);
}

static void map_aligned(void)
{
    size_t npages = any_size();
    size_t alignment = PAGE_BYTES << below(10);
    if (!is_room_for(npages))
        return;
    void *addr = page_arena_alloc_aligned(NULL, npages * PAGE_BYTES, alignment);
    CHECK(addr != NULL || unreliable);
    if (addr == NULL)
        return;
    CHECK_EQUAL((uintptr_t)addr % alignment, 0);
    if (region_owns((uintptr_t)addr)) {
        take_in((struct run){region_page((uintptr_t)addr), npages});
        return;
    }
    CHECK(unreliable || exhaustible);
    CHECK(unit_is_zero(addr, npages * PAGE_BYTES));
    page_arena_free_aligned(NULL, addr, npages * PAGE_BYTES);
}

static void map_at(void)
{
    struct run run = somewhere(200);
    if (!is_room_for(run.npages))
        return;
    if (space_map_at(range_of_run(run)))
        take_in(run);
    else
        CHECK(shadow_is_any_live(run) ||
              page_map_count(PAGE_FREE, run.first, run.npages) < run.npages || unreliable);
}

static void unmap_run(struct run run)
{
    space_unmap(range_of_run(run));
    shadow_unmap(run);
    CHECK(!page_map_any(PAGE_LIVE, run.first, run.npages));
}

static void unmap(void)
{
    struct run run = chance(50) ? recall() : somewhere(SIZE_MAX);
    unmap_run(run);
    if (chance(5))
        unmap_run(run);
    if (chance(2)) {
        /* From below the region on, or to beyond its end. */
        bool low = chance(50);
        run.npages = 1 + below(50);
        run.first = low ? 0 : region_pages() - run.npages;
        struct range range = range_of_run(run);
        range.start -= low ? MIB : 0;
        range.end += low ? 0 : MIB;
        space_unmap(range);
        shadow_unmap(run);
    }
}

/* MAP_FIXED, MAP_FIXED_NOREPLACE, or one that fails. */
static void map_fixed(void)
{
    struct run run = somewhere(100);
    if (chance(3))
        run.first = below(region_pages() - run.npages);
    bool vacant = chance(40);
    struct range range = range_of_run(run);
    if (g_shadow_totals.odd > ODD_MAX || !is_room_for(run.npages))
        return;
    bool occupied = shadow_is_any_live(run);
    enum claim claim = space_claim(range, vacant);
    CHECK_EQUAL(claim, vacant && occupied ? CLAIM_OCCUPIED : CLAIM_OK);
    if (claim != CLAIM_OK)
        return;
    if (chance(30)) {
        space_claim_undo(range, false);
        shadow_mark_odd(run);
        return;
    }
    CHECK(mmap((void *)range.start, range.end - range.start, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)range.start);
    space_claim_end(range, true);
    shadow_map(run, true);
    write_some(run);
    remember(run);
}

/* mprotect(PROT_READ), as far as the range is live. */
static void protect(void)
{
    struct run run = somewhere(20);
    if (g_shadow_totals.odd > ODD_MAX)
        return;
    struct range live = space_next_live(range_of_run(run));
    if (live.start == live.end)
        return;
    space_mark(PAGE_TORN, range_of_run(run));
    shadow_mark_odd(run);
    CHECK(mprotect((void *)live.start, live.end - live.start, PROT_READ) == 0);
    for (uintptr_t addr = live.start; addr < live.end; addr += PAGE_BYTES) {
        CHECK(g_shadow[region_page(addr)].live);
        g_shadow[region_page(addr)].read_only = true;
    }
}

/* As in a signal handler that has interrupted the library. */
static void call_nested(void)
{
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    CHECK(space_map(PAGE_BYTES) == NULL);
    CHECK(!space_map_at(range_of_run(somewhere(5))));
    for (int i = 0; i < 3; i++)
        unmap();
    if (chance(20))
        protect();
    thread_leave(arena);
}

static void give_back(void)
{
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    if (chance(50))
        router_flush(arena);
    thread_leave(arena);
    if (chance(50))
        purge_all();
    if (!unreliable)
        purge_excess();
}

static void check_sample(void)
{
    for (int i = 0; i < SAMPLE && g_shadow_totals.end > 0; i++) {
        size_t page = below(g_shadow_totals.end);
        CHECK_EQUAL(page_map_any(PAGE_LIVE, page, 1), g_shadow[page].live);
        CHECK(!g_shadow[page].live || shadow_has_content(page));
    }
    struct run run = recall();
    for (size_t page = run.first; page < run.first + min_size(run.npages, 4); page++)
        CHECK(!g_shadow[page].live || shadow_has_content(page));
}

static void step(void)
{
    size_t kind = below(100);
    if (kind < 40)
        map();
    else if (kind < 44)
        map_aligned();
    else if (kind < 72)
        unmap();
    else if (kind < 77)
        map_at();
    else if (kind < 82)
        map_fixed();
    else if (kind < 85)
        protect();
    else if (kind < 88)
        call_nested();
    else if (kind < 89)
        give_back();
    else
        write_some(somewhere(30));
}

static void drive(const char *knobs, size_t standard_steps, uint64_t standard_seed)
{
    unit_start(knobs);
    CHECK(region_pages() <= SHADOW_PAGES);
    unit_time_limit(600);
    seed = unit_seed(standard_seed);
    dice = unit_random_seeded(seed);
    size_t bound = budget_region_pages();
    thread_leave(thread_enter());
    driving = true;
    for (size_t i = 0, end = unit_steps(standard_steps / SLOWNESS); i < end; i++) {
        unit_context("UNIT_SEED=%lu, step %zu of %zu", seed, i, end);
        step();
        check_sample();
        if (i % CHECK_EVERY == CHECK_EVERY - 1)
            shadow_check_all(bound);
    }
    unmap_run((struct run){0, region_pages()});
    space_unmap(range_of(space_map(PAGE_BYTES), PAGE_BYTES));
    shadow_check_all(bound);
}

#define SMALLEST "HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4"

static void large_region(void)
{
    drive("REGION=1G", 10000, 1);
}

static void another_seed(void)
{
    drive("REGION=1G", 10000, 2);
}

static void small_region(void)
{
    exhaustible = true;
    drive("REGION=64M", 10000, 3);
}

static void tiny_budgets(void)
{
    drive("REGION=1G " SMALLEST, 8000, 4);
}

static void guarded(void)
{
    drive("REGION=1G GUARD=1", 6000, 5);
}

static void guarded_small_region(void)
{
    exhaustible = true;
    drive("REGION=64M GUARD=1 " SMALLEST, 6000, 6);
}

/* Of what is resident, a part has gone to swap. */
static long mincore_with_swap(const long *arguments)
{
    long result = fake_real(SYS_mincore, arguments);
    unsigned char *residency = (unsigned char *)arguments[2];
    for (size_t i = 0; result == 0 && i < (size_t)arguments[1] / PAGE_BYTES; i++)
        if (i != 0 && (i + (size_t)arguments[0] / PAGE_BYTES) / 7 % 3 == 0)
            residency[i] = 0;
    return result;
}

static void with_swap(void)
{
    fake_swap(true);
    fake_handle(SYS_mincore, mincore_with_swap);
    drive("REGION=1G " SMALLEST, 6000, 7);
}

/* Each kind of call fails now and then, once the arena is up and the thread has its own. */
static bool fails_now(size_t percent)
{
    return driving && chance(percent);
}

static long mmap_unreliable(const long *arguments)
{
    return fails_now(20) ? -ENOMEM : fake_real(SYS_mmap, arguments);
}

static long mprotect_unreliable(const long *arguments)
{
    return fails_now(30) ? -ENOMEM : fake_real(SYS_mprotect, arguments);
}

static long madvise_unreliable(const long *arguments)
{
    return fails_now(40) ? -EINVAL : fake_real(SYS_madvise, arguments);
}

static long mincore_unreliable(const long *arguments)
{
    return fails_now(20) ? -EAGAIN : mincore_with_swap(arguments);
}

static void use_unreliable_kernel(void)
{
    unreliable = true;
    fake_swap(true);
    fake_handle(SYS_mmap, mmap_unreliable);
    fake_handle(SYS_mprotect, mprotect_unreliable);
    fake_handle(SYS_madvise, madvise_unreliable);
    fake_handle(SYS_mincore, mincore_unreliable);
}

static void unreliable_kernel(void)
{
    use_unreliable_kernel();
    drive("REGION=512M " SMALLEST, 8000, 8);
}

static void unreliable_kernel_guarded(void)
{
    use_unreliable_kernel();
    drive("REGION=64M GUARD=1", 6000, 9);
}

UNIT_MAIN(UNIT_CASE(large_region), UNIT_CASE(another_seed), UNIT_CASE(small_region),
          UNIT_CASE(tiny_budgets), UNIT_CASE(guarded), UNIT_CASE(guarded_small_region),
          UNIT_CASE(with_swap), UNIT_CASE(unreliable_kernel), UNIT_CASE(unreliable_kernel_guarded))
