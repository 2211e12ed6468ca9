#include "summary.h"

#include <string.h>

#include "fake_kernel.h"
#include "page_map.h"
#include "unit.h"

#define NSUPERS 70
#define NPAGES ((size_t)NSUPERS * SUPER_PAGES)
#define NTRIES 60000

/* The model is linear, and no test of sanitizers. */
#define FAST __attribute__((no_sanitize("address", "thread", "undefined"), optimize("O2")))

static bool is_free[NPAGES];

FAST static size_t model_find(size_t npages)
{
    for (size_t i = 0, run = 0; i < NPAGES; i++) {
        run = is_free[i] ? run + 1 : 0;
        if (run == npages)
            return i + 1 - npages;
    }
    return NO_PAGE;
}

FAST static size_t model_find_aligned(unsigned order)
{
    size_t npages = (size_t)1 << order;
    for (size_t first = 0; first + npages <= NPAGES; first += npages) {
        size_t run = 0;
        while (run < npages && is_free[first + run])
            run++;
        if (run == npages)
            return first;
    }
    return NO_PAGE;
}

static void set_up(void)
{
    CHECK(page_map_init(NPAGES));
    CHECK(summary_init(NPAGES));
    summary_extend(NPAGES);
}

static void change(size_t first, size_t npages, bool free)
{
    if (free)
        page_map_set(PAGE_FREE, first, npages);
    else
        page_map_clear(PAGE_FREE, first, npages);
    memset(&is_free[first], free, npages);
    summary_update(first, npages);
}

static void compare(size_t npages, unsigned order, size_t super)
{
    CHECK_EQUAL(summary_find(npages), model_find(npages));
    CHECK_EQUAL(summary_find_aligned(order), model_find_aligned(order));
    CHECK_EQUAL(summary_is_free(super),
                memchr(&is_free[super * SUPER_PAGES], false, SUPER_PAGES) == NULL);
}

/* The free part goes up and down between a little and nearly all. */
static void at_random(uint64_t seed, size_t longest)
{
    struct unit_random random = unit_random_seeded(seed);
    set_up();
    for (size_t i = 0, end = unit_steps(NTRIES); i < end; i++) {
        unit_context("seed %lu, step %zu", seed, i);
        size_t npages = 1 + unit_random_below(&random, 1 + unit_random_below(&random, longest));
        size_t first = unit_random_below(&random, NPAGES);
        bool more = i / 1000 % 2 == 0;
        change(first, min_size(npages, NPAGES - first),
               unit_random_below(&random, 4) < (more ? 3 : 1));
        if (i % 40 == 0)
            compare(1 + unit_random_below(&random, longest),
                    (unsigned)unit_random_below(&random, 16), unit_random_below(&random, NSUPERS));
    }
}

static void short_runs(void)
{
    at_random(unit_seed(1), 100);
}

static void runs_across_superblocks(void)
{
    at_random(unit_seed(2), 3000);
}

static void runs_across_levels(void)
{
    at_random(unit_seed(3), 30000);
}

/* The one free run has any length and place; what is too long for it by one is not found. */
static void single_run(void)
{
    struct unit_random random = unit_random_seeded(unit_seed(4));
    set_up();
    for (int i = 0; i < 3000; i++) {
        size_t npages = 1 + unit_random_below(&random, i % 2 == 0 ? 200 : NPAGES);
        size_t first = unit_random_below(&random, NPAGES - npages + 1);
        unit_context("run of %zu at %zu", npages, first);
        change(first, npages, true);
        CHECK_EQUAL(summary_find(npages), first);
        CHECK_EQUAL(summary_find(npages + 1), NO_PAGE);
        for (unsigned order = 0; order < 16; order++) {
            size_t aligned = align_up(first, (size_t)1 << order);
            bool fits = aligned + ((size_t)1 << order) <= first + npages;
            CHECK_EQUAL(summary_find_aligned(order), fits ? aligned : NO_PAGE);
        }
        change(first, npages, false);
    }
    CHECK_EQUAL(summary_find(1), NO_PAGE);
    CHECK_EQUAL(summary_find_aligned(0), NO_PAGE);
}

/* Regions of every size the knob allows, and smaller: all of it, and its last page. */
static void any_size(size_t nsupers)
{
    size_t npages = nsupers * SUPER_PAGES;
    unit_context("%zu superblocks", nsupers);
    CHECK(page_map_init(npages));
    CHECK(summary_init(npages));
    summary_extend(npages);
    CHECK_EQUAL(summary_find(1), NO_PAGE);
    page_map_set(PAGE_FREE, npages - 1, 1);
    summary_update(npages - 1, 1);
    CHECK_EQUAL(summary_find(1), npages - 1);
    CHECK_EQUAL(summary_find_aligned(0), npages - 1);
    CHECK_EQUAL(summary_find(2), NO_PAGE);
    page_map_set(PAGE_FREE, npages - 3 * SUPER_PAGES / 2, 3 * SUPER_PAGES / 2);
    summary_update(npages - 3 * SUPER_PAGES / 2, 3 * SUPER_PAGES / 2);
    CHECK_EQUAL(summary_find(SUPER_PAGES + 1), npages - 3 * SUPER_PAGES / 2);
    CHECK_EQUAL(summary_find_aligned(9), npages - SUPER_PAGES);
    CHECK(summary_is_free(nsupers - 1) && !summary_is_free(0));
}

static void small_and_huge(void)
{
    static const size_t sizes[] = {2,    7,     8,     9,      32,     63,        64,       65,
                                   511,  512,   513,   4095,   4096,   4097,      32768,    32769,
                                   1000, 65536, 99999, 262144, 524287, 1UL << 19, 3UL << 17};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        any_size(sizes[i]);
}

static void all_free(void)
{
    set_up();
    change(0, NPAGES, true);
    CHECK_EQUAL(summary_find(NPAGES), 0);
    CHECK_EQUAL(summary_find(NPAGES + 1), NO_PAGE);
    CHECK_EQUAL(summary_find_aligned(15), 0);
    change(0, 1, false);
    CHECK_EQUAL(summary_find(NPAGES - 1), 1);
    CHECK_EQUAL(summary_find_aligned(14), 1 << 14);
    CHECK_EQUAL(summary_find_aligned(15), NO_PAGE);
}

static void no_memory(void)
{
    fake_fail(SYS_mmap, 1, 1, 12);
    CHECK(!summary_init(NPAGES));
}

UNIT_MAIN(UNIT_CASE(short_runs), UNIT_CASE(runs_across_superblocks), UNIT_CASE(runs_across_levels),
          UNIT_CASE(single_run), UNIT_CASE(small_and_huge), UNIT_CASE(all_free),
          UNIT_CASE(no_memory))
