#include "claim.h"

#include "config.h"
#include "huge.h"
#include "odd.h"
#include "os.h"
#include "region.h"

/* How long pages in flight are waited for: this often yielding, then so many milliseconds. */
#define YIELDS 1000
#define SLEEPS 2000

/* Takes what nobody owns: free, cached or deferred pages. They are claimed, and not live yet. */
static void take_idle_locked(size_t first, size_t end)
{
    static const enum page_bit idle[] = {PAGE_CACHED, PAGE_DEFERRED};
    struct run run = {first, 0};
    while ((run = page_map_next(PAGE_FREE, true, run.first + run.npages, end)).npages != 0) {
        region_clear_free_locked(run.first, run.npages);
        page_map_set(PAGE_CLAIMED, run.first, run.npages);
    }
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        for (run = (struct run){first, 0}; run.first < end;) {
            run = page_map_take_next(idle[i], run.first + run.npages, end);
            if (run.npages != 0)
                page_map_set(PAGE_CLAIMED, run.first, run.npages);
        }
}

/* Takes what is live; it is held, so that it can be put back. */
static void take_live(size_t first, size_t end)
{
    struct run run = {first, 0};
    odd_expect(first, end - first);
    while ((run = page_map_take_next(PAGE_LIVE, run.first + run.npages, end)).npages != 0)
        page_map_set(PAGE_HELD, run.first, run.npages);
}

static void put_back_live(size_t first, size_t end)
{
    struct run run = {first, 0};
    while ((run = page_map_take_next(PAGE_HELD, run.first + run.npages, end)).npages != 0)
        page_map_set(PAGE_LIVE, run.first, run.npages);
}

static void put_back_idle_locked(size_t first, size_t end)
{
    for (struct run run = {first, 0}; run.first < end;) {
        run = page_map_next(PAGE_CLAIMED, true, run.first + run.npages, end);
        struct run other = page_map_next(PAGE_LIVE, true, run.first, run.first + run.npages);
        run.npages = other.first - run.first;
        if (run.npages != 0) {
            page_map_clear(PAGE_CLAIMED, run.first, run.npages);
            region_set_free_locked(run.first, run.npages);
        }
        run.npages += other.npages;
    }
}

/* Whether every page was taken, is lost, or was never used: nobody else has one. */
static bool all_taken(size_t first, size_t end)
{
    size_t used_end = min_size(end, region_used_pages());
    for (size_t from = first; from < used_end;) {
        uint64_t mask;
        size_t page = page_step(&from, used_end, &mask);
        uint64_t idle = page_word_read(PAGE_CLAIMED, page) & ~page_word_read(PAGE_LIVE, page);
        if ((mask & ~(idle | page_word_read(PAGE_HELD, page) | page_word_read(PAGE_LOST, page))) !=
            0)
            return false;
    }
    return true;
}

/* All pages are taken: they become live, and torn. */
static void keep(size_t first, size_t end)
{
    for (size_t from = first; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        uint64_t held = page_word_read(PAGE_HELD, page) & mask;
        page_word_take(PAGE_CLAIMED, page, held);
        page_word_set(PAGE_CLAIMED, page, mask & ~held);
        page_word_take(PAGE_LOST, page, mask);
        page_word_set(PAGE_TORN, page, mask);
        page_word_set(PAGE_ODD, page, mask);
        page_word_set(PAGE_LIVE, page, mask);
        page_word_take(PAGE_HELD, page, held);
    }
}

/* The usual case needs no lock: the program maps over memory of its own. */
static bool claim_live(size_t first, size_t end)
{
    if (page_map_count(PAGE_LIVE, first, end - first) != end - first)
        return false;
    take_live(first, end);
    bool all = page_map_count(PAGE_HELD, first, end - first) == end - first;
    if (all)
        keep(first, end);
    else
        put_back_live(first, end);
    return all;
}

static enum claim claim_locked(size_t first, size_t end, bool vacant)
{
    take_idle_locked(first, end);
    if (!vacant)
        take_live(first, end);
    if (all_taken(first, end) && (!vacant || !page_map_any(PAGE_LIVE, first, end - first))) {
        keep(first, end);
        return CLAIM_OK;
    }
    put_back_live(first, end);
    put_back_idle_locked(first, end);
    return vacant && page_map_any(PAGE_LIVE, first, end - first) ? CLAIM_OCCUPIED : CLAIM_BUSY;
}

enum claim claim_begin(size_t first, size_t npages, bool vacant, bool wait)
{
    static int nobody_wakes;
    size_t end = first + npages;
    if (!vacant && claim_live(first, end))
        return CLAIM_OK;
    for (int i = 0; i < YIELDS + SLEEPS; i++) {
        if (!region_lock(wait))
            break;
        enum claim result = claim_locked(first, end, vacant);
        region_unlock();
        if (result != CLAIM_BUSY || !wait)
            return result;
        if (i < YIELDS)
            os_yield();
        else
            os_wait(&nobody_wakes, 0, 1);
    }
    return CLAIM_BUSY;
}

/* What stood there is gone, with all that was done to it. */
void claim_end(size_t first, size_t npages, bool torn)
{
    odd_forget(first, npages);
    page_map_clear(PAGE_DIRTY, first, npages);
    if (torn)
        odd_mark(PAGE_TORN, first, npages);
    else
        huge_mapped(first, npages);
    page_map_clear(PAGE_CLAIMED, first, npages);
}

static void free_fresh(size_t first, size_t npages)
{
    if (!huge_replace(first, npages, g_config.guard == 0)) {
        page_map_set(PAGE_LOST, first, npages);
        return;
    }
    page_map_clear(PAGE_DIRTY, first, npages);
    region_free(first, npages);
}

void claim_undo(size_t first, size_t npages)
{
    size_t end = first + npages;
    size_t used = region_used_pages();
    struct run run = {first, 0};
    while ((run = page_map_take_next(PAGE_CLAIMED, run.first + run.npages, end)).npages != 0) {
        size_t below = run.first < used ? min_size(run.npages, used - run.first) : 0;
        page_map_clear(PAGE_LIVE, run.first, run.npages);
        if (below != 0)
            free_fresh(run.first, below);
        if (below != run.npages)
            region_reserve_again(run.first + below, run.npages - below);
    }
}
