/* Of region.h: what MAP_FIXED over the region needs. */
#include <errno.h>
#include <string.h>

#include "claim.h"
#include "config.h"
#include "fake_kernel.h"
#include "os.h"
#include "region.h"
#include "unit.h"

static void set_up(size_t nbytes)
{
    CHECK(region_init(nbytes));
    CHECK_EQUAL(g_region.nbytes, nbytes);
}

static void expect(size_t page, bool free, bool live, bool odd, bool claimed)
{
    CHECK_EQUAL(page_map_any(PAGE_FREE, page, 1), free);
    CHECK_EQUAL(page_map_any(PAGE_LIVE, page, 1), live);
    CHECK_EQUAL(page_map_any(PAGE_ODD, page, 1), odd);
    CHECK_EQUAL(page_map_any(PAGE_CLAIMED, page, 1), claimed);
    CHECK(!page_map_any(PAGE_CACHED, page, 1));
    CHECK(!page_map_any(PAGE_DEFERRED, page, 1));
}

/* One page of each kind: 0 live, 1 cached, 2 deferred, 3 free, 4 lost, 5 free. */
static void set_up_kinds(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(6, 0), 0);
    page_map_set(PAGE_DIRTY, 0, 6);
    region_free(5, 1);
    region_free(3, 1);
    page_map_set(PAGE_LIVE, 0, 1);
    page_map_set(PAGE_CACHED, 1, 1);
    page_map_set(PAGE_LOST, 4, 1);
    region_defer(2, 1);
}

static void claim_takes_pages_of_any_kind(void)
{
    set_up_kinds();
    CHECK_EQUAL(claim_begin(0, 5, true, true), CLAIM_OCCUPIED);
    CHECK_EQUAL(claim_begin(0, 5, false, true), CLAIM_OK);
    expect(0, false, true, true, false);
    for (size_t page = 1; page < 5; page++)
        expect(page, false, true, true, true);
    expect(5, true, false, false, false);
    CHECK_EQUAL(region_dirty_pages(), 1);
    claim_end(0, 5, true);
    for (size_t page = 0; page < 5; page++)
        expect(page, false, true, true, false);
    CHECK_EQUAL(region_alloc(1, 0), 5);
}

static void vacant_claim(void)
{
    set_up_kinds();
    CHECK_EQUAL(claim_begin(1, 5, true, true), CLAIM_OK);
    CHECK_EQUAL(claim_begin(1, 1, true, true), CLAIM_OCCUPIED);
    claim_end(1, 5, true);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, 6), 6);
}

static void undone_claim(void)
{
    set_up_kinds();
    memset(region_addr(0), 1, 6 * PAGE_BYTES);
    CHECK_EQUAL(claim_begin(0, 6, false, true), CLAIM_OK);
    claim_undo(0, 6);
    expect(0, false, true, true, false);
    for (size_t page = 1; page < 6; page++)
        expect(page, true, false, false, false);
    CHECK_EQUAL(region_dirty_pages(), 0);
    CHECK_EQUAL(region_alloc(5, 0), 1);
    CHECK(unit_is_zero(region_addr(1), 5 * PAGE_BYTES));
    CHECK(!unit_is_zero(region_addr(0), PAGE_BYTES));
}

static void claim_that_cannot_be_undone(void)
{
    set_up_kinds();
    CHECK_EQUAL(claim_begin(0, 6, false, true), CLAIM_OK);
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    claim_undo(0, 6);
    expect(0, false, true, true, false);
    for (size_t page = 1; page < 6; page++)
        CHECK(page_map_any(PAGE_LOST, page, 1));
    CHECK_EQUAL(region_alloc(1, 0), 6);
}

static void claim_does_not_touch_pages_in_flight(void)
{
    set_up_kinds();
    fake_fail(SYS_futex, 1, FAKE_EVER, EINTR);
    CHECK(region_take(3, 1));
    CHECK_EQUAL(claim_begin(0, 6, false, true), CLAIM_BUSY);
    CHECK_EQUAL(claim_begin(1, 4, true, true), CLAIM_BUSY);
    expect(3, false, false, false, false);
    expect(5, true, false, false, false);
}

/* What was claimed and freed above the frontier is as if it had never been used. */
static void claim_above_the_frontier(void)
{
    const size_t page = 20 * SUPER_PAGES + 3;
    set_up(64 * MIB);
    CHECK_EQUAL(claim_begin(page, 2, true, true), CLAIM_OK);
    CHECK(os_replace(region_addr(page), 2 * PAGE_BYTES, true));
    claim_end(page, 2, true);
    CHECK_EQUAL(page_map_take_next(PAGE_LIVE, page, page + 2).npages, 2);
    region_reserve_again(page, 2);
    CHECK(page_map_untouched(page - page % GROUP_PAGES, GROUP_PAGES, false));
    CHECK_EQUAL(claim_begin(page, 2, true, true), CLAIM_OK);
    claim_undo(page, 2);
    CHECK(page_map_untouched(page - page % GROUP_PAGES, GROUP_PAGES, false));
}

/* The frontier passes by what is mapped above it, and wastes little. */
static void frontier_passes_claims(void)
{
    const size_t npages = 256 * MIB / PAGE_BYTES;
    const size_t page = 100 * SUPER_PAGES + 3;
    set_up(256 * MIB);
    CHECK_EQUAL(claim_begin(page, 2, true, true), CLAIM_OK);
    claim_end(page, 2, true);
    size_t got = 0;
    size_t first;
    while ((first = region_alloc(64, 0)) != NO_PAGE) {
        got += 64;
        CHECK(first + 64 <= page || first >= page + 2);
        *(volatile char *)region_addr(first) = 1;
    }
    CHECK(got >= npages - npages / 8);
    expect(page, false, true, true, false);
}

static void land_later(size_t index)
{
    if (index == 0) {
        CHECK_EQUAL(claim_begin(0, 20, false, true), CLAIM_OK);
        return;
    }
    for (size_t page = 0; page < 20; page++) {
        os_yield();
        region_free(page, 1);
    }
}

static void claim_waits_for_pages_in_flight(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(20, 0), 0);
    unit_threads(2, land_later);
    CHECK_EQUAL(page_map_count(PAGE_CLAIMED, 0, 20), 20);
}

/* The pages that are popped are the last of those that are claimed. */
#define RACED_PAGES ((size_t)SUPER_PAGES)
#define POPPED_PAGES 8
static int owners[POPPED_PAGES];
static bool race_over;

static void own(size_t index, int by)
{
    CHECK_EQUAL(__atomic_fetch_add(&owners[index], by, __ATOMIC_ACQ_REL), by < 0);
}

static void pop_and_push(size_t index)
{
    size_t page = RACED_PAGES - POPPED_PAGES + index;
    if (page_map_take_next(PAGE_CACHED, page, page + 1).npages != 1)
        return;
    own(index, 1);
    page_map_set(PAGE_LIVE, page, 1);
    CHECK_EQUAL(page_map_take_next(PAGE_LIVE, page, page + 1).npages, 1);
    own(index, -1);
    page_map_set(PAGE_CACHED, page, 1);
}

static void claim_and_unmap(void)
{
    if (claim_begin(0, RACED_PAGES, true, true) != CLAIM_OK)
        return;
    for (size_t i = 0; i < POPPED_PAGES; i++)
        own(i, 1);
    claim_end(0, RACED_PAGES, true);
    CHECK_EQUAL(page_map_take_next(PAGE_LIVE, 0, RACED_PAGES).npages, RACED_PAGES);
    page_map_clear(PAGE_ODD, 0, RACED_PAGES);
    for (size_t i = 0; i < POPPED_PAGES; i++)
        own(i, -1);
    page_map_set(PAGE_CACHED, 0, RACED_PAGES);
}

static void claim_or_pop(size_t index)
{
    for (size_t i = 0; index == 1 && !__atomic_load_n(&race_over, __ATOMIC_RELAXED); i++)
        pop_and_push(i % POPPED_PAGES);
    for (size_t i = 0; index == 0 && i < 50000; i++)
        claim_and_unmap();
    __atomic_store_n(&race_over, true, __ATOMIC_RELAXED);
}

/* MAP_FIXED_NOREPLACE where another thread's cache has the pages: one of them gets each. */
static void claim_races_with_a_cache(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(RACED_PAGES, 0), 0);
    page_map_set(PAGE_CACHED, 0, RACED_PAGES);
    unit_threads(2, claim_or_pop);
}

UNIT_MAIN(UNIT_CASE(claim_takes_pages_of_any_kind), UNIT_CASE(vacant_claim),
          UNIT_CASE(undone_claim), UNIT_CASE(claim_that_cannot_be_undone),
          UNIT_CASE(claim_does_not_touch_pages_in_flight), UNIT_CASE(claim_above_the_frontier),
          UNIT_CASE(frontier_passes_claims), UNIT_CASE(claim_waits_for_pages_in_flight),
          UNIT_CASE(claim_races_with_a_cache))
