#include "purge.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "budget.h"
#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "space.h"
#include "unit.h"

/* The smallest budget: 64 pages and 16, 8 and 4 spans. */
#define BUDGET (64 + 16 * SPAN_64K_PAGES + 8 * SPAN_128K_PAGES + 4 * (size_t)SPAN_2M_PAGES)
#define SMALLEST "REGION=256M HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4"

/* A region with so many free dirty pages, of content that is not zero. */
static void set_up(size_t ndirty)
{
    unit_start(SMALLEST);
    CHECK_EQUAL(budget_region_pages(), BUDGET);
    size_t first = region_alloc(ndirty, 0);
    unit_fill(region_addr(first), ndirty * PAGE_BYTES, 1);
    page_map_set(PAGE_DIRTY, first, ndirty);
    region_free(first, ndirty);
    CHECK_EQUAL(region_dirty_pages(), ndirty);
}

static void nothing_within_the_budget(void)
{
    set_up(BUDGET);
    uint64_t calls = fake_count(FAKE_ANY);
    purge_excess();
    CHECK_EQUAL(region_dirty_pages(), BUDGET);
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
}

/* One range at a time, or several, where the kernel can do that. */
static uint64_t purges(void)
{
    return fake_count(SYS_madvise) + fake_count(SYS_process_madvise);
}

static void excess_goes(void)
{
    set_up(BUDGET + 1);
    uint64_t calls = purges();
    purge_excess();
    CHECK(region_dirty_pages() <= BUDGET - BUDGET / 8);
    /* Whole superblocks at a time. */
    CHECK(region_dirty_pages() > BUDGET - BUDGET / 8 - 2 * SUPER_PAGES);
    CHECK(purges() != calls && purges() - calls <= 3);
}

static void all_goes(void)
{
    set_up(3000);
    size_t first = region_alloc(100, 0);
    purge_all();
    CHECK_EQUAL(region_dirty_pages(), 0);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, region_used_pages()), 100);
    region_free(first, 100);
    first = region_alloc(3000, 0);
    CHECK(!unit_is_zero(region_addr(first), 100 * PAGE_BYTES));
    CHECK(unit_is_zero(region_addr(first + 100), 2900 * PAGE_BYTES));
}

static void refusal_ends_it(void)
{
    set_up(3 * BUDGET);
    fake_fail(SYS_madvise, 1, FAKE_EVER, EINVAL);
    fake_fail(SYS_process_madvise, 1, FAKE_EVER, EINVAL);
    purge_excess();
    purge_all();
    CHECK_EQUAL(region_dirty_pages(), 3 * BUDGET);
    CHECK(purges() < 200);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, region_used_pages()), region_used_pages());
    CHECK(region_alloc(3 * BUDGET, 0) != NO_PAGE);
}

/* One superblock is locked; it is the highest, and the first that is tried. */
static uintptr_t locked;

static long madvise_of_locked(const long *arguments)
{
    uintptr_t start = (uintptr_t)arguments[0];
    if (start <= locked && locked < start + (size_t)arguments[1])
        return -EINVAL;
    return fake_real(SYS_madvise, arguments);
}

/* Range by range, up to the first that fails. */
static long process_madvise_of_locked(const long *arguments)
{
    const struct iovec *ranges = (const struct iovec *)arguments[1];
    long purged = 0;
    for (long i = 0; i < arguments[2]; i++) {
        long advice[6] = {(long)ranges[i].iov_base, (long)ranges[i].iov_len, arguments[3]};
        long result = madvise_of_locked(advice);
        if (result < 0)
            return purged != 0 ? purged : result;
        purged += advice[1];
    }
    return purged;
}

static void locked_page_spares_no_other(void)
{
    set_up(8 * SUPER_PAGES);
    locked = (uintptr_t)region_addr(8 * SUPER_PAGES - 1);
    fake_handle(SYS_madvise, madvise_of_locked);
    fake_handle(SYS_process_madvise, process_madvise_of_locked);
    purge_excess();
    CHECK(region_dirty_pages() <= BUDGET);
}

/* Nothing is retained of what a claim above the frontier has left. */
static void above_the_frontier(void)
{
    set_up(SUPER_PAGES);
    size_t page = region_used_pages() + 5 * SUPER_PAGES;
    struct range range = range_of(region_addr(page), 16 * PAGE_BYTES);
    CHECK_EQUAL(space_claim(range, true), CLAIM_OK);
    CHECK(mmap((void *)range.start, range.end - range.start, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)range.start);
    space_claim_end(range, true);
    space_unmap(range);
    CHECK(page_map_untouched(page - page % GROUP_PAGES, GROUP_PAGES, false));
}

static void check_retained(void)
{
    size_t npages = page_map_count(PAGE_CACHED, 0, region_used_pages()) + region_dirty_pages();
    CHECK(npages <= BUDGET);
}

/* The knobs bound what caches and the region retain together, whichever fills up first. */
static void retained_is_bounded_by_the_knobs(void)
{
    enum { NSPANS = 40 };
    static const size_t sizes[] = {4 * KIB, 64 * KIB, 128 * KIB, 2 * MIB};
    void *spans[4][NSPANS];
    unit_start(SMALLEST);
    for (int size = 0; size < 4; size++)
        for (int i = 0; i < NSPANS; i++)
            spans[size][i] = space_map(sizes[size]);
    void *large[3];
    for (int i = 0; i < 3; i++) {
        large[i] = space_map(4 * MIB);
        unit_fill(large[i], 4 * MIB, 1);
    }
    for (int i = 0; i < 3; i++) {
        space_unmap(range_of(large[i], 4 * MIB));
        check_retained();
    }
    for (int size = 4; size-- > 0;)
        for (int i = 0; i < NSPANS; i++) {
            unit_context("span %d of size %d", i, size);
            unit_fill(spans[size][i], sizes[size], 1);
            space_unmap(range_of(spans[size][i], sizes[size]));
            check_retained();
        }
}

UNIT_MAIN(UNIT_CASE(nothing_within_the_budget), UNIT_CASE(excess_goes), UNIT_CASE(all_goes),
          UNIT_CASE(refusal_ends_it), UNIT_CASE(locked_page_spares_no_other),
          UNIT_CASE(above_the_frontier), UNIT_CASE(retained_is_bounded_by_the_knobs))
