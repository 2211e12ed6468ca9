#include "budget.h"

#include "config.h"
#include "fake_kernel.h"
#include "unit.h"

static const size_t sizes[] = {1, SPAN_64K_PAGES, SPAN_128K_PAGES, SPAN_2M_PAGES};
#define NSIZES (sizeof sizes / sizeof *sizes)

#define ALL_PAGES (1024 + 256 * SPAN_64K_PAGES + 128 * SPAN_128K_PAGES + 64 * SPAN_2M_PAGES)

static void grants_come_out_of_the_region(void)
{
    budget_init();
    CHECK_EQUAL(budget_region_pages(), ALL_PAGES);
    CHECK_EQUAL(ALL_PAGES * PAGE_BYTES, 164 * MIB);
    CHECK_EQUAL(budget_grant(SPAN_2M_PAGES, 8), 8);
    CHECK_EQUAL(budget_region_pages(), ALL_PAGES - 8 * SPAN_2M_PAGES);
    CHECK_EQUAL(budget_grant(SPAN_2M_PAGES, 0), 0);
    CHECK_EQUAL(budget_grant(SPAN_2M_PAGES, 100), 56);
    CHECK_EQUAL(budget_grant(SPAN_2M_PAGES, 1), 0);
    CHECK_EQUAL(budget_region_pages(), ALL_PAGES - 64 * SPAN_2M_PAGES);
    CHECK_EQUAL(budget_grant(1, SIZE_MAX), 1024);
    budget_return(SPAN_2M_PAGES, 64);
    budget_return(1, 1024);
    CHECK_EQUAL(budget_region_pages(), ALL_PAGES);
    CHECK_EQUAL(fake_count(FAKE_ANY), 0);
}

static void follows_the_knobs(void)
{
    static const size_t lowest[NSIZES] = {64, 16, 8, 4};
    g_config.hot_size = 64;
    g_config.warm_64k = 16;
    g_config.warm_128k = 8;
    g_config.warm_2m = 4;
    budget_init();
    for (size_t i = 0; i < NSIZES; i++)
        CHECK_EQUAL(budget_grant(sizes[i], 1000), lowest[i]);
    CHECK_EQUAL(budget_region_pages(), 0);
}

static size_t granted[NSIZES];
static const size_t bounds[NSIZES] = {1024, 256, 128, 64};

static void grant_and_return(size_t index)
{
    struct unit_random random = unit_random_seeded(index);
    size_t held[NSIZES] = {0};
    for (int i = 0; i < 20000; i++) {
        size_t size = unit_random_below(&random, NSIZES);
        if (held[size] > bounds[size] / 3) {
            __atomic_fetch_sub(&granted[size], held[size], __ATOMIC_SEQ_CST);
            budget_return(sizes[size], held[size]);
            held[size] = 0;
            continue;
        }
        size_t more = budget_grant(sizes[size], 1 + unit_random_below(&random, 40));
        held[size] += more;
        CHECK(__atomic_add_fetch(&granted[size], more, __ATOMIC_SEQ_CST) <= bounds[size]);
    }
    for (size_t size = 0; size < NSIZES; size++) {
        __atomic_fetch_sub(&granted[size], held[size], __ATOMIC_SEQ_CST);
        budget_return(sizes[size], held[size]);
    }
}

static void threads_share(void)
{
    budget_init();
    unit_threads(4, grant_and_return);
    CHECK_EQUAL(budget_region_pages(), ALL_PAGES);
}

UNIT_MAIN(UNIT_CASE(grants_come_out_of_the_region), UNIT_CASE(follows_the_knobs),
          UNIT_CASE(threads_share))
