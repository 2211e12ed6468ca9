#include "claim.h"
#include "region.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "fake_kernel.h"
#include "os.h"
#include "unit.h"

static void set_up(size_t nbytes)
{
    CHECK(region_init(nbytes));
    CHECK_EQUAL(g_region.nbytes, nbytes);
}

static void lowest_first(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(3, 0), 0);
    CHECK_EQUAL(region_alloc(5, 0), 3);
    CHECK_EQUAL(region_alloc(1, 0), 8);
    CHECK_EQUAL(region_alloc(4, 0), 9);
    region_free(3, 5);
    region_free(9, 4);
    CHECK_EQUAL(region_alloc(4, 0), 3);
    CHECK_EQUAL(region_alloc(2, 0), 9);
    CHECK_EQUAL(region_alloc(1, 0), 7);
    /* Neighbours join. */
    region_free(0, 3);
    region_free(4, 3);
    region_free(3, 1);
    CHECK_EQUAL(region_alloc(7, 0), 0);
    CHECK_EQUAL(region_alloc(2, 0), 11);
}

static void alignment(void)
{
    set_up(256 * MIB);
    CHECK_EQUAL(region_alloc(1, 0), 0);
    CHECK_EQUAL(region_alloc(16, 4), 16);
    CHECK_EQUAL(region_alloc(16, 4), 32);
    CHECK_EQUAL(region_alloc(64, 6), 64);
    CHECK_EQUAL(region_alloc(512, 9), 512);
    CHECK_EQUAL(region_alloc(8192, 13), 8192);
    /* Alignment beyond size, and not a power of two. */
    CHECK_EQUAL(region_alloc(1, 4) % 16, 0);
    CHECK_EQUAL(region_alloc(48, 4) % 16, 0);
    CHECK_EQUAL(region_alloc(3, 12) % 4096, 0);
    CHECK_EQUAL(region_alloc(600, 9) % 512, 0);
    CHECK_EQUAL(region_alloc(1, 20), NO_PAGE);
    CHECK_EQUAL(region_alloc(1, 63), NO_PAGE);
    CHECK_EQUAL(region_alloc(1, 0), 1);
}

static void to_the_last_page(void)
{
    const size_t npages = 64 * MIB / PAGE_BYTES;
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(npages + 1, 0), NO_PAGE);
    CHECK_EQUAL(region_alloc(SIZE_MAX / 2, 0), NO_PAGE);
    for (size_t first = 0; first < npages; first += 100)
        CHECK_EQUAL(region_alloc(min_size(100, npages - first), 0), first);
    CHECK_EQUAL(region_used_pages(), npages);
    CHECK_EQUAL(region_alloc(1, 0), NO_PAGE);
    memset(region_addr(npages - 1), 1, PAGE_BYTES);
    for (size_t first = 0; first < npages; first += 300)
        region_free(first, min_size(300, npages - first));
    CHECK_EQUAL(region_alloc(npages, 0), 0);
}

/* There is room, half of it below the frontier and half above. */
static void across_the_frontier(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(40 * MIB / PAGE_BYTES, 0), 0);
    region_free(0, 40 * MIB / PAGE_BYTES);
    CHECK_EQUAL(region_alloc(48 * MIB / PAGE_BYTES, 0), 0);
}

static void frontier_moves_in_steps(void)
{
    set_up(GIB);
    CHECK_EQUAL(region_alloc(1, 0), 0);
    CHECK_EQUAL(region_used_pages(), SUPER_PAGES);
    CHECK_EQUAL(fake_count(SYS_mprotect), 1);
    CHECK_EQUAL(region_alloc(SUPER_PAGES, 0), 1);
    CHECK_EQUAL(region_used_pages(), 2 * SUPER_PAGES);
    /* An eighth of what is in use, 64 MB at most. */
    CHECK_EQUAL(region_alloc(160 * SUPER_PAGES, 0), SUPER_PAGES + 1);
    size_t used = region_used_pages();
    CHECK(used >= 161 * SUPER_PAGES && used <= 163 * SUPER_PAGES);
    CHECK(region_alloc(2 * SUPER_PAGES, 0) != NO_PAGE);
    CHECK(region_used_pages() >= used + used / 8 - SUPER_PAGES);
    CHECK(region_used_pages() <= used + used / 8 + 2 * SUPER_PAGES);
}

static void failed_commit_changes_nothing(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(1, 0), 0);
    fake_fail(SYS_mprotect, 1, 2, ENOMEM);
    CHECK_EQUAL(region_alloc(SUPER_PAGES, 0), NO_PAGE);
    CHECK_EQUAL(region_alloc(16 * SUPER_PAGES, 9), NO_PAGE);
    CHECK_EQUAL(region_used_pages(), SUPER_PAGES);
    CHECK_EQUAL(region_alloc(1, 0), 1);
    CHECK_EQUAL(region_alloc(SUPER_PAGES, 0), 2);
    memset(region_addr(2), 1, SUPER_BYTES);
}

static size_t taken_meanwhile;

static long mprotect_that_is_overtaken(const long *arguments)
{
    (void)arguments;
    fake_handle(SYS_mprotect, NULL);
    taken_meanwhile = region_alloc(SUPER_PAGES, 0);
    return -ENOMEM;
}

/* Another thread has moved the frontier on before the step below it fails. */
static void failed_commit_in_the_middle(void)
{
    set_up(64 * MIB);
    fake_handle(SYS_mprotect, mprotect_that_is_overtaken);
    CHECK_EQUAL(region_alloc(2 * SUPER_PAGES, 0), NO_PAGE);
    CHECK_EQUAL(taken_meanwhile, 2 * SUPER_PAGES);
    CHECK_EQUAL(region_used_pages(), 3 * SUPER_PAGES);
    CHECK_EQUAL(region_alloc(1, 0), 3 * SUPER_PAGES);
    region_adopt_in_flight();
    CHECK_EQUAL(region_alloc(SUPER_PAGES, 0), 2 * SUPER_PAGES);
}

static long mprotect_while_the_lock_is_lost(const long *arguments)
{
    fake_handle(SYS_mprotect, NULL);
    fake_fail(SYS_futex, 1, FAKE_EVER, EINTR);
    CHECK(region_lock(true));
    return fake_real(SYS_mprotect, arguments);
}

/* The step is committed, but nobody can be told now. */
static void step_without_the_lock(void)
{
    set_up(64 * MIB);
    fake_handle(SYS_mprotect, mprotect_while_the_lock_is_lost);
    CHECK_EQUAL(region_alloc(1, 0), NO_PAGE);
    region_unlock();
    fake_reset();
    CHECK_EQUAL(region_alloc(1, 0), 0);
}

static void take(void)
{
    set_up(64 * MIB);
    CHECK(!region_take(0, 1));
    CHECK_EQUAL(region_alloc(10, 0), 0);
    CHECK(!region_take(9, 2));
    CHECK(region_take(20, 10));
    CHECK(!region_take(25, 10));
    CHECK(!region_take(SUPER_PAGES - 1, 2));
    CHECK_EQUAL(region_alloc(20, 0), 30);
    CHECK_EQUAL(region_alloc(10, 0), 10);
    region_free(20, 10);
    CHECK(region_take(20, 10));
    CHECK(!region_take(64 * MIB / PAGE_BYTES, 1));
    CHECK(!region_take(64 * MIB / PAGE_BYTES - 1, 2));
}

static void deferred_come_back(void)
{
    set_up(512 * MIB);
    const size_t npages = 256 * MIB / PAGE_BYTES;
    CHECK_EQUAL(region_alloc(npages, 0), 0);
    page_map_set(PAGE_DIRTY, 0, npages);
    region_defer(5, 1);
    region_defer(128 * MIB / PAGE_BYTES - 1, 2);
    region_defer(npages - 7, 7);
    CHECK_EQUAL(page_map_count(PAGE_DEFERRED, 0, npages), 10);
    CHECK(!page_map_any(PAGE_FREE, 0, npages));
    CHECK_EQUAL(region_dirty_pages(), 0);
    CHECK_EQUAL(region_alloc(1, 0), 5);
    CHECK(!page_map_any(PAGE_DEFERRED, 0, npages));
    CHECK_EQUAL(region_dirty_pages(), 9);
    CHECK_EQUAL(region_alloc(2, 0), 128 * MIB / PAGE_BYTES - 1);
    CHECK_EQUAL(region_alloc(7, 0), npages - 7);
}

/* Somebody holds the lock for good. A call waits once, for sleeps that last no time. */
static void without_the_lock(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(20, 0), 0);
    page_map_set(PAGE_LIVE, 15, 5);
    region_free(0, 5);
    fake_fail(SYS_futex, 1, FAKE_EVER, EINTR);
    CHECK(region_lock(true));
    CHECK_EQUAL(region_alloc(1, 0), NO_PAGE);
    CHECK(!region_take(0, 1));
    region_free(5, 5);
    CHECK_EQUAL(page_map_count(PAGE_DEFERRED, 0, 20), 5);
    struct run run;
    CHECK_EQUAL(region_take_dirty(&run, 1, 1), 0);
    region_trim();
    CHECK_EQUAL(g_region.nbytes, 64 * MIB);
    CHECK_EQUAL(claim_begin(0, 5, false, true), CLAIM_BUSY);
    region_unlock();
    fake_reset();
    CHECK_EQUAL(region_alloc(10, 0), 0);
}

static void trim(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(10, 0), 0);
    region_trim();
    CHECK_EQUAL(g_region.nbytes, SUPER_BYTES);
    CHECK_EQUAL(region_alloc(SUPER_PAGES - 10, 0), 10);
    CHECK_EQUAL(region_alloc(1, 0), NO_PAGE);
    CHECK(!region_take(SUPER_PAGES, 1));
    unsigned char residency[1];
    CHECK(!os_resident(region_addr(SUPER_PAGES), 1, residency));
    uint64_t unmaps = fake_count(SYS_munmap);
    region_trim();
    CHECK_EQUAL(fake_count(SYS_munmap), unmaps);
}

static void trim_spares_what_is_mapped(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(10, 0), 0);
    CHECK_EQUAL(claim_begin(5000, 1, true, true), CLAIM_OK);
    region_trim();
    CHECK_EQUAL(g_region.nbytes, 64 * MIB);
}

static void expect_runs(size_t nruns, size_t npages, const struct run *runs, size_t count)
{
    struct run got[8];
    CHECK_EQUAL(region_take_dirty(got, nruns, npages), count);
    for (size_t i = 0; i < count; i++) {
        CHECK_EQUAL(got[i].first, runs[i].first);
        CHECK_EQUAL(got[i].npages, runs[i].npages);
        CHECK(!page_map_any(PAGE_FREE, got[i].first, got[i].npages));
    }
}

/* What somebody else had free since the low water began counts as there since then, and no more than is there. */
static void low_water(void)
{
    unit_start("REGION=64M");
    size_t first = region_alloc(40, 0);
    page_map_set(PAGE_DIRTY, first, 40);
    region_free(first, 10);
    region_restart_low_water();
    region_free(first + 10, 20);
    CHECK_EQUAL(region_restart_low_water(), 10);
    region_free(first + 30, 10);
    region_raise_low_water(10);
    CHECK_EQUAL(region_restart_low_water(), 40);
    region_raise_low_water(10);
    CHECK_EQUAL(region_restart_low_water(), 40);
}

static void dirty_is_taken_whole_superblocks_first(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(8 * SUPER_PAGES, 0), 0);
    page_map_set(PAGE_DIRTY, SUPER_PAGES, SUPER_PAGES);
    page_map_set(PAGE_DIRTY, 3 * SUPER_PAGES + 7, 1);
    page_map_set(PAGE_DIRTY, 7 * SUPER_PAGES + 5, 10);
    region_free(0, 2 * SUPER_PAGES);               /* 0 clean, 1 dirty */
    region_free(3 * SUPER_PAGES, SUPER_PAGES);     /* a dirty page in it */
    region_free(7 * SUPER_PAGES, SUPER_PAGES - 1); /* not whole */
    CHECK_EQUAL(region_dirty_pages(), SUPER_PAGES + 11);

    expect_runs(8, 0, NULL, 0);
    expect_runs(8, 1, (struct run[]){{3 * SUPER_PAGES, SUPER_PAGES}}, 1);
    expect_runs(8, SIZE_MAX, (struct run[]){{SUPER_PAGES, SUPER_PAGES}}, 1);
    CHECK_EQUAL(region_dirty_pages(), 10);
    region_free(SUPER_PAGES, SUPER_PAGES);
    region_free(3 * SUPER_PAGES, SUPER_PAGES);
    expect_runs(8, SIZE_MAX,
                (struct run[]){{3 * SUPER_PAGES, SUPER_PAGES}, {SUPER_PAGES, SUPER_PAGES}}, 2);
    expect_runs(8, SIZE_MAX, (struct run[]){{7 * SUPER_PAGES, SUPER_PAGES - 1}}, 1);
    expect_runs(8, SIZE_MAX, NULL, 0);
    CHECK_EQUAL(region_dirty_pages(), 0);
}

static void dirty_is_taken_highest_first(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(SUPER_PAGES, 0), 0);
    page_map_set(PAGE_DIRTY, 0, SUPER_PAGES);
    for (size_t page = 10; page < 20; page += 2)
        region_free(page, 1);
    expect_runs(2, SIZE_MAX, (struct run[]){{18, 1}, {16, 1}}, 2);
    expect_runs(8, 2, (struct run[]){{14, 1}, {12, 1}}, 2);
    expect_runs(8, 2, (struct run[]){{10, 1}}, 1);
}

static void in_flight_is_adopted(void)
{
    set_up(64 * MIB);
    CHECK_EQUAL(region_alloc(100, 0), 0);
    page_map_set(PAGE_LIVE, 10, 10);
    page_map_set(PAGE_CACHED, 30, 10);
    page_map_set(PAGE_LOST, 50, 1);
    fake_fail(SYS_mprotect, 2, 1, ENOMEM); /* of 20 to 29 */
    region_adopt_in_flight();
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, 100), 69);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, 100), 69);
    CHECK_EQUAL(page_map_count(PAGE_LOST, 20, 10), 10);
    CHECK_EQUAL(region_dirty_pages(), 69);
    CHECK_EQUAL(page_map_next_in_flight(0, region_used_pages()).npages, 0);
}

static unsigned char taken_by[256 * MIB / PAGE_BYTES];

static void give_back(struct run *run, size_t index, bool defer)
{
    for (size_t page = run->first; page < run->first + run->npages; page++)
        CHECK_EQUAL(__atomic_exchange_n(&taken_by[page], 0, __ATOMIC_RELAXED), index + 1);
    if (run->npages != 0 && defer)
        region_defer(run->first, run->npages);
    else if (run->npages != 0)
        region_free(run->first, run->npages);
    run->npages = 0;
}

static void alloc_and_free(size_t index)
{
    struct unit_random random = unit_random_seeded(unit_seed(1) + index);
    struct run runs[40] = {{0, 0}};
    for (int i = 0; i < 6000; i++) {
        struct run *run = &runs[unit_random_below(&random, 40)];
        give_back(run, index, i % 5 == 0);
        unsigned order = (unsigned)unit_random_below(&random, 7);
        *run = (struct run){0, 1 + unit_random_below(&random, 150)};
        run->first = region_alloc(run->npages, order);
        CHECK(run->first != NO_PAGE && run->first % ((size_t)1 << order) == 0);
        for (size_t page = run->first; page < run->first + run->npages; page++)
            CHECK_EQUAL(__atomic_exchange_n(&taken_by[page], index + 1, __ATOMIC_RELAXED), 0);
    }
    for (size_t i = 0; i < 40; i++)
        give_back(&runs[i], index, false);
}

/* No page goes to two of them, and none is lost. */
static void many_threads(void)
{
    set_up(256 * MIB);
    unit_threads(4, alloc_and_free);
    CHECK(region_alloc(1, 0) == 0);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, region_used_pages()), region_used_pages() - 1);
}

UNIT_MAIN(UNIT_CASE(lowest_first), UNIT_CASE(alignment), UNIT_CASE(to_the_last_page),
          UNIT_CASE(across_the_frontier), UNIT_CASE(frontier_moves_in_steps),
          UNIT_CASE(failed_commit_changes_nothing), UNIT_CASE(failed_commit_in_the_middle),
          UNIT_CASE(step_without_the_lock), UNIT_CASE(take), UNIT_CASE(deferred_come_back),
          UNIT_CASE(without_the_lock), UNIT_CASE(trim), UNIT_CASE(trim_spares_what_is_mapped),
          UNIT_CASE(low_water), UNIT_CASE(dirty_is_taken_whole_superblocks_first),
          UNIT_CASE(dirty_is_taken_highest_first), UNIT_CASE(in_flight_is_adopted),
          UNIT_CASE(many_threads))
