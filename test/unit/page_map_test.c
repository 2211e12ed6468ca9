#include "page_map.h"

#include <string.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "unit.h"

#define NPAGES ((size_t)12 * GROUP_PAGES + 7)
#define NTRIES 60000

/* The model: one byte a page for each bit. */
static bool model[PAGE_BITS][NPAGES];

static struct run model_next(const bool *bits, bool value, size_t from, size_t end)
{
    while (from < end && bits[from] != value)
        from++;
    size_t run_end = from;
    while (run_end < end && bits[run_end] == value)
        run_end++;
    return (struct run){from, run_end - from};
}

static void check_same(struct run a, struct run b)
{
    CHECK_EQUAL(a.npages, b.npages);
    if (a.npages != 0)
        CHECK_EQUAL(a.first, b.first);
}

static void check_in_flight(size_t from, size_t end)
{
    bool in_flight[NPAGES];
    for (size_t i = 0; i < NPAGES; i++)
        in_flight[i] = !model[PAGE_FREE][i] && !model[PAGE_LIVE][i] && !model[PAGE_CACHED][i] &&
                       !model[PAGE_DEFERRED][i] && !model[PAGE_LOST][i];
    check_same(page_map_next_in_flight(from, end), model_next(in_flight, true, from, end));
}

static void check_counts(enum page_bit bit, size_t first, size_t npages)
{
    size_t count = 0;
    for (size_t i = first; i < first + npages; i++)
        count += model[bit][i];
    CHECK_EQUAL(page_map_count(bit, first, npages), count);
    CHECK_EQUAL(page_map_any(bit, first, npages), count != 0);
}

static void change_or_compare(struct unit_random *random)
{
    enum page_bit bit = unit_random_below(random, PAGE_BITS);
    size_t first = unit_random_below(random, NPAGES);
    size_t npages = unit_random_below(random, unit_random_below(random, 2) ? 20 : NPAGES) + 1;
    npages = min_size(npages, NPAGES - first);
    bool value = unit_random_below(random, 2);
    struct run run;
    switch (unit_random_below(random, 6)) {
    case 0:
        page_map_set(bit, first, npages);
        memset(&model[bit][first], true, npages);
        break;
    case 1:
        page_map_clear(bit, first, npages);
        memset(&model[bit][first], false, npages);
        break;
    case 2:
        check_counts(bit, first, npages);
        break;
    case 3:
        run = model_next(model[bit], value, first, first + npages);
        check_same(page_map_next(bit, value, first, first + npages), run);
        break;
    case 4:
        run = model_next(model[bit], true, first, first + npages);
        check_same(page_map_take_next(bit, first, first + npages), run);
        memset(&model[bit][run.first], false, run.npages);
        break;
    default:
        check_in_flight(first, first + npages);
        break;
    }
}

static void like_the_model(void)
{
    uint64_t seed = unit_seed(1);
    struct unit_random random = unit_random_seeded(seed);
    CHECK(page_map_init(NPAGES));
    for (size_t i = 0, end = unit_steps(NTRIES); i < end; i++) {
        unit_context("seed %lu, step %zu", seed, i);
        change_or_compare(&random);
    }
    for (enum page_bit bit = 0; bit < PAGE_BITS; bit++)
        for (size_t i = 0; i < NPAGES; i++)
            CHECK_EQUAL(page_map_any(bit, i, 1), model[bit][i]);
}

static void empty_ranges(void)
{
    CHECK(page_map_init(NPAGES));
    page_map_set(PAGE_LIVE, 0, NPAGES);
    page_map_clear(PAGE_LIVE, 5, 0);
    page_map_set(PAGE_FREE, 64, 0);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, NPAGES), NPAGES);
    CHECK(!page_map_any(PAGE_FREE, 0, NPAGES));
    CHECK(!page_map_any(PAGE_LIVE, 7, 0));
    CHECK_EQUAL(page_map_next(PAGE_LIVE, true, 9, 9).npages, 0);
    CHECK_EQUAL(page_map_take_next(PAGE_LIVE, 9, 9).npages, 0);
    CHECK_EQUAL(page_map_next_in_flight(9, 9).npages, 0);
}

static void untouched(void)
{
    CHECK(page_map_init(NPAGES));
    for (enum page_bit bit = 0; bit < PAGE_BITS; bit++) {
        CHECK(page_map_untouched(0, 4 * GROUP_PAGES, false));
        page_map_set(bit, 3 * GROUP_PAGES + 63, 1);
        CHECK(!page_map_untouched(0, 4 * GROUP_PAGES, false));
        CHECK(page_map_untouched(0, 3 * GROUP_PAGES, false));
        CHECK(page_map_untouched(4 * GROUP_PAGES, 4 * GROUP_PAGES, false));
        page_map_clear(bit, 3 * GROUP_PAGES + 63, 1);
    }
}

static void no_memory(void)
{
    fake_fail(SYS_mmap, 1, 1, 12);
    CHECK(!page_map_init(NPAGES));
}

#define NTHREADS 2
#define NROUNDS 20000

static unsigned char takers[NPAGES];
static size_t rounds_begun[NTHREADS];
static size_t rounds_done[NTHREADS];

static void take(size_t from, size_t end)
{
    struct run run = {from, 0};
    while ((run = page_map_take_next(PAGE_LIVE, run.first + run.npages, end)).npages != 0)
        for (size_t page = run.first; page < run.first + run.npages; page++)
            CHECK_EQUAL(__atomic_fetch_add(&takers[page], 1, __ATOMIC_RELAXED), 0);
}

/* All that is left, and before that something to get into the other's way. */
static void take_all(size_t index, size_t round)
{
    size_t middle = index * round % NPAGES;
    if (round % 3 == 1)
        take(middle, NPAGES);
    for (size_t page = 0; round % 3 == 2 && index == 1 && page < NPAGES; page += GROUP_PAGES)
        take(page, page + 1);
    take(0, NPAGES);
}

/* They must come out of it at the same moment, if there are processors for both. */
static void wait_for_all(size_t *rounds, size_t index, size_t round)
{
    __atomic_store_n(&rounds[index], round, __ATOMIC_RELEASE);
    for (size_t i = 0; i < NTHREADS; i++)
        for (size_t spins = 0; __atomic_load_n(&rounds[i], __ATOMIC_ACQUIRE) < round; spins++)
            if (spins > 1000)
                usleep(20); /* where yielding waits for all that runs */
}

static void race(size_t index)
{
    for (size_t round = 1; round <= NROUNDS; round++) {
        size_t npages = 1 + round % NPAGES;
        if (index == 0) {
            memset(takers, 0, sizeof takers);
            page_map_set(PAGE_LIVE, 0, npages);
        }
        wait_for_all(rounds_begun, index, round);
        take_all(index, round);
        wait_for_all(rounds_done, index, round);
        if (index == 0) {
            CHECK(memchr(takers, 0, npages) == NULL);
            CHECK(!page_map_any(PAGE_LIVE, 0, NPAGES));
        }
    }
}

/* Every page goes to exactly one of the threads that take it. */
static void racing_takers(void)
{
    CHECK(page_map_init(NPAGES));
    unit_threads(NTHREADS, race);
}

UNIT_MAIN(UNIT_CASE(like_the_model), UNIT_CASE(empty_ranges), UNIT_CASE(untouched),
          UNIT_CASE(no_memory), UNIT_CASE(racing_takers))
