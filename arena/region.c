#include "region.h"

#include <sys/auxv.h>
#include <sys/resource.h>

#include "config.h"
#include "huge.h"
#include "lock.h"
#include "odd.h"
#include "os.h"
#include "summary.h"

/* Clear of executables, their heaps, the JVM's and Go's, and of where the kernel starts from. */
#define BASE_LOWEST ((uintptr_t)0x200000000000)
#define BASE_HIGHEST ((uintptr_t)0x400000000000)
#define REGION_LOWEST (64 * MIB)
#define AS_SHARE 8
#define BASE_ALIGNMENT GIB

/* Below this part of it are the tables: far from what anybody overruns, and from the region's range. */
#define TABLES_SHARE 2

/* The frontier moves by an eighth of what is in use, within these bounds, or by what is needed. */
#define STEP_SHIFT 3
#define STEP_LOWEST SUPER_PAGES
#define STEP_HIGHEST (64 * MIB / PAGE_BYTES)

/* What may be retained beyond the highest use so far: a share of that, or so many pages. */
#define HEADROOM_SHARE 32
#define HEADROOM_LEAST (4 * MIB / PAGE_BYTES)

struct region g_region;

static struct lock lock;

/* Under the lock; all are read without it. */
static size_t frontier;
static size_t ndirty;
static size_t ndirty_least;
static size_t nfree;
static size_t taken_peak;

/* Without it: how many pages are out to be purged. */
static size_t npurged;

/* And which parts of the region, of 128 MB each, have deferred pages, and whether any has. */
#define PART_PAGES (128 * MIB / PAGE_BYTES)
#define NPARTS (1024 * GIB / PAGE_BYTES / PART_PAGES)
static uint64_t deferred_parts[NPARTS / 64];
static bool deferred;

/* Aligned, so that natural alignment up to 1 GB needs no search. */
static uintptr_t random_base(size_t nbytes)
{
    uint64_t seed = 0;
    const void *kernel_random = (const void *)getauxval(AT_RANDOM);
    if (kernel_random != NULL)
        __builtin_memcpy(&seed, kernel_random, sizeof seed);
    return BASE_LOWEST + align_down(seed % (BASE_HIGHEST - BASE_LOWEST - nbytes), BASE_ALIGNMENT);
}

/* Reserves nbytes, 2 MB-aligned at least; 0 if that cannot be had. */
static uintptr_t reserve(size_t nbytes)
{
    void *addr = os_reserve((void *)random_base(nbytes), nbytes);
    if (addr == NULL || ((uintptr_t)addr & (SUPER_BYTES - 1)) == 0)
        return (uintptr_t)addr;
    os_unmap(addr, nbytes);
    return align_up((uintptr_t)os_reserve(NULL, nbytes + SUPER_BYTES), SUPER_BYTES);
}

bool region_init(size_t nbytes)
{
    nbytes = align_down(min_size(nbytes, os_limit(RLIMIT_AS) / AS_SHARE), SUPER_BYTES);
    uintptr_t base = 0;
    for (; nbytes >= REGION_LOWEST; nbytes = align_down(nbytes / 2, SUPER_BYTES))
        if ((base = reserve(nbytes)) != 0)
            break;
    if (base == 0)
        return false;
    os_place_tables(base / TABLES_SHARE);
    if (!page_map_init(nbytes >> PAGE_SHIFT) || !summary_init(nbytes >> PAGE_SHIFT)) {
        os_unmap((void *)base, nbytes);
        return false;
    }
    os_name((void *)base, nbytes);
    g_region = (struct region){base, nbytes};
    return true;
}

static void add_locked(size_t *counter, size_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

void region_set_free_locked(size_t first, size_t npages)
{
    invariant(!page_map_any(PAGE_LIVE, first, npages));
    invariant(!page_map_any(PAGE_CACHED, first, npages));
    if (unlikely(page_map_any(PAGE_ODD, first, npages)))
        odd_forget(first, npages);
    page_map_set(PAGE_FREE, first, npages);
    add_locked(&nfree, npages);
    add_locked(&ndirty, page_map_count(PAGE_DIRTY, first, npages));
    summary_update(first, npages);
}

void region_clear_free_locked(size_t first, size_t npages)
{
    page_map_clear(PAGE_FREE, first, npages);
    add_locked(&nfree, -npages);
    add_locked(&ndirty, -page_map_count(PAGE_DIRTY, first, npages));
    ndirty_least = min_size(ndirty_least, ndirty);
    if (region_taken_pages() > taken_peak)
        add_locked(&taken_peak, region_taken_pages() - taken_peak);
    summary_update(first, npages);
}

static void take_deferred_locked(void)
{
    __atomic_store_n(&deferred, false, __ATOMIC_RELAXED);
    for (size_t i = 0; i < NPARTS / 64; i++) {
        if (__atomic_load_n(&deferred_parts[i], __ATOMIC_RELAXED) == 0)
            continue;
        uint64_t parts = __atomic_exchange_n(&deferred_parts[i], 0, __ATOMIC_ACQUIRE);
        for (; parts != 0; parts &= parts - 1) {
            size_t first = (i * 64 + (size_t)__builtin_ctzl(parts)) * PART_PAGES;
            size_t end = min_size(first + PART_PAGES, g_region.nbytes >> PAGE_SHIFT);
            struct run run = {first, 0};
            do {
                run = page_map_take_next(PAGE_DEFERRED, run.first + run.npages, end);
                if (run.npages != 0)
                    region_set_free_locked(run.first, run.npages);
            } while (run.npages != 0);
        }
    }
}

bool region_lock(bool wait)
{
    if (unlikely(!(wait ? lock_acquire(&lock) : lock_try(&lock))))
        return false;
    if (unlikely(__atomic_load_n(&deferred, __ATOMIC_RELAXED)))
        take_deferred_locked();
    return true;
}

void region_unlock(void)
{
    lock_release(&lock);
}

/* How many pages right below the frontier are free. */
static size_t tail_locked(void)
{
    size_t page = frontier;
    while (page != 0) {
        uint64_t used = ~page_word_read(PAGE_FREE, page - 1);
        if (used != 0)
            return frontier - page + (size_t)__builtin_clzl(used);
        page -= GROUP_PAGES;
    }
    return frontier;
}

/* A program has mapped over some of these pages: the others are not worth a mapping of their own. */
static void lose_rest_locked(size_t first, size_t npages)
{
    struct run run = {first, 0};
    size_t end = first + npages;
    while ((run = page_map_next(PAGE_LIVE, false, run.first + run.npages, end)).npages != 0)
        page_map_set(PAGE_LOST, run.first, run.npages);
}

/*
 * Moves the frontier over a step that, with what is free below it, has room for the request: in
 * flight, not yet committed.
 */
static struct run begin_step_locked(size_t npages, unsigned order)
{
    size_t end = g_region.nbytes >> PAGE_SHIFT;
    for (; frontier < end; add_locked(&frontier, SUPER_PAGES)) {
        size_t start = align_up(frontier - tail_locked(), (size_t)1 << order);
        size_t wanted = start + npages > frontier ? start + npages - frontier : 1;
        size_t step = min_size(max_size(frontier >> STEP_SHIFT, STEP_LOWEST), STEP_HIGHEST);
        step = align_up(max_size(step, wanted), SUPER_PAGES);
        if (step > end - frontier)
            step = end - frontier;
        if (step < wanted)
            break;
        if (page_map_untouched(frontier, step, true)) {
            add_locked(&frontier, step);
            summary_extend(frontier);
            return (struct run){frontier - step, step};
        }
        lose_rest_locked(frontier, SUPER_PAGES);
    }
    return (struct run){0, 0};
}

/* Commits a step and makes it free. The lock is held on entry, and on exit if the result is true. */
static bool grow_locked(size_t npages, unsigned order)
{
    struct run step = begin_step_locked(npages, order);
    region_unlock();
    if (step.npages == 0)
        return false;
    bool committed = os_commit(region_addr(step.first), step.npages << PAGE_SHIFT);
    if (!region_lock(true)) {
        if (committed)
            region_defer(step.first, step.npages);
        else
            page_map_set(PAGE_LOST, step.first, step.npages);
        return false;
    }
    if (committed) {
        region_set_free_locked(step.first, step.npages);
        return true;
    }
    if (frontier == step.first + step.npages)
        add_locked(&frontier, -step.npages);
    else
        page_map_set(PAGE_LOST, step.first, step.npages);
    region_unlock();
    return false;
}

bool region_extend(size_t page)
{
    if (likely(page < region_used_pages()))
        return true;
    if (!region_lock(true))
        return false;
    if (page >= frontier && !grow_locked(1, 0))
        return false;
    region_unlock();
    return true;
}

size_t region_alloc(size_t npages, unsigned order)
{
    /* Only a power of two finds its alignment in the summary; others search for more and trim. */
    size_t alignment = (size_t)1 << order;
    size_t slack = npages == alignment ? 0 : alignment - 1;
    unsigned search_order = slack == 0 ? order : 0;
    if (npages + slack > g_region.nbytes >> PAGE_SHIFT || order > region_order() ||
        !region_lock(true))
        return NO_PAGE;
    for (;;) {
        size_t first = NO_PAGE;
        if (nfree >= npages)
            first = search_order == 0 ? summary_find(npages + slack)
                                      : summary_find_aligned(search_order);
        if (first != NO_PAGE) {
            first = align_up(first, alignment);
            region_clear_free_locked(first, npages);
            region_unlock();
            return first;
        }
        if (!grow_locked(npages + slack, search_order))
            return NO_PAGE;
    }
}

bool region_take(size_t first, size_t npages)
{
    /* Nothing is free above, and the end of the region, and of what describes it, may be given up meanwhile. */
    if (first + npages > region_used_pages() || !region_lock(true))
        return false;
    bool free = page_map_count(PAGE_FREE, first, npages) == npages;
    if (free)
        region_clear_free_locked(first, npages);
    region_unlock();
    return free;
}

void region_free(size_t first, size_t npages)
{
    if (unlikely(!region_lock(true))) {
        region_defer(first, npages);
        return;
    }
    region_set_free_locked(first, npages);
    region_unlock();
}

void region_free_cached(size_t first, size_t npages)
{
    size_t end = first + npages;
    struct run run = {first, 0};
    while ((run = page_map_take_next(PAGE_CACHED, run.first + run.npages, end)).npages != 0)
        region_free(run.first, run.npages);
}

void region_defer(size_t first, size_t npages)
{
    page_map_set(PAGE_DEFERRED, first, npages);
    for (size_t part = first / PART_PAGES; part <= (first + npages - 1) / PART_PAGES; part++)
        __atomic_fetch_or(&deferred_parts[part / 64], (uint64_t)1 << part % 64, __ATOMIC_RELEASE);
    __atomic_store_n(&deferred, true, __ATOMIC_RELEASE);
}

size_t region_used_pages(void)
{
    return __atomic_load_n(&frontier, __ATOMIC_RELAXED);
}

size_t region_taken_pages(void)
{
    size_t used = region_used_pages();
    size_t untaken =
        __atomic_load_n(&nfree, __ATOMIC_RELAXED) + __atomic_load_n(&npurged, __ATOMIC_RELAXED);
    return used > untaken ? used - untaken : 0;
}

size_t region_headroom_pages(size_t slack)
{
    size_t taken = region_taken_pages();
    size_t peak = __atomic_load_n(&taken_peak, __ATOMIC_RELAXED);
    size_t bound = peak + max_size(max_size(peak / HEADROOM_SHARE, HEADROOM_LEAST), slack);
    return bound > taken ? bound - taken : 0;
}

size_t region_dirty_pages(void)
{
    return __atomic_load_n(&ndirty, __ATOMIC_RELAXED);
}

size_t region_restart_low_water(void)
{
    if (!region_lock(true))
        return 0;
    size_t least = ndirty_least;
    ndirty_least = ndirty;
    region_unlock();
    return least;
}

void region_raise_low_water(size_t npages)
{
    if (!region_lock(true))
        return;
    ndirty_least = min_size(ndirty_least + npages, ndirty);
    region_unlock();
}

void region_reserve_again(size_t first, size_t npages)
{
    if (!huge_replace(first, npages, false)) {
        page_map_set(PAGE_LOST, first, npages);
        return;
    }
    page_map_clear(PAGE_DIRTY, first, npages);
    odd_forget(first, npages);
}

void region_trim(void)
{
    if (!region_lock(true))
        return;
    size_t npages = (g_region.nbytes >> PAGE_SHIFT) - frontier;
    bool unused = npages != 0 && page_map_untouched(frontier, npages, false);
    size_t unused_page = frontier;
    if (unused)
        __atomic_store_n(&g_region.nbytes, frontier << PAGE_SHIFT, __ATOMIC_RELAXED);
    region_unlock();
    if (unused) {
        os_unmap((void *)(g_region.base + (unused_page << PAGE_SHIFT)), npages << PAGE_SHIFT);
        page_map_trim(unused_page);
        summary_trim(unused_page);
    }
}

void region_unmap_free(void)
{
    for (;;) {
        if (!region_lock(true))
            return;
        struct run run = page_map_next(PAGE_FREE, true, 0, frontier);
        if (run.npages != 0)
            region_clear_free_locked(run.first, run.npages);
        region_unlock();
        if (run.npages == 0)
            return;
        os_unmap(region_addr(run.first), run.npages << PAGE_SHIFT);
        page_map_set(PAGE_LOST, run.first, run.npages);
    }
}

/* The highest free run with a dirty page in it that lies in the superblock below `end`. */
static struct run last_dirty_run(size_t end)
{
    struct run last = {0, 0};
    struct run run = {end - SUPER_PAGES, 0};
    while ((run = page_map_next(PAGE_FREE, true, run.first + run.npages, end)).npages != 0)
        if (page_map_any(PAGE_DIRTY, run.first, run.npages))
            last = run;
    return last;
}

static size_t take_dirty_locked(struct run *runs, size_t nruns, size_t npages, bool whole)
{
    size_t count = 0;
    size_t taken = 0;
    size_t end = frontier;
    while (end != 0 && count < nruns && taken < npages) {
        bool candidate = !whole || summary_is_free(end / SUPER_PAGES - 1);
        struct run run = candidate ? last_dirty_run(end) : (struct run){0, 0};
        if (run.npages == 0) {
            end -= SUPER_PAGES;
            continue;
        }
        taken += page_map_count(PAGE_DIRTY, run.first, run.npages);
        __atomic_fetch_add(&npurged, run.npages, __ATOMIC_RELAXED);
        region_clear_free_locked(run.first, run.npages);
        runs[count++] = run;
    }
    return count;
}

size_t region_take_dirty(struct run *runs, size_t nruns, size_t npages)
{
    if (!region_lock(true))
        return 0;
    size_t count = take_dirty_locked(runs, nruns, npages, true);
    if (count == 0)
        count = take_dirty_locked(runs, nruns, npages, false);
    region_unlock();
    return count;
}

void region_put_purged(const struct run *runs, size_t nruns)
{
    for (size_t i = 0; i < nruns; i++) {
        region_free(runs[i].first, runs[i].npages);
        __atomic_fetch_sub(&npurged, runs[i].npages, __ATOMIC_RELAXED);
    }
}

void region_adopt_in_flight(void)
{
    npurged = 0;
    struct run run = {0, 0};
    while ((run = page_map_next_in_flight(run.first + run.npages, frontier)).npages != 0) {
        if (!os_commit(region_addr(run.first), run.npages << PAGE_SHIFT)) {
            page_map_set(PAGE_LOST, run.first, run.npages);
            continue;
        }
        page_map_set(PAGE_DIRTY, run.first, run.npages);
        region_free(run.first, run.npages);
    }
}
