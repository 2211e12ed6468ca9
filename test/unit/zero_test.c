#include "zero.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "config.h"
#include "fake_kernel.h"
#include "os.h"
#include "region.h"
#include "space.h"
#include "unit.h"

#define NPAGES ((size_t)10000)

/* Pages of a region, in flight, clean and untouched. */
static void set_up(void)
{
    CHECK(region_init(64 * MIB));
    CHECK_EQUAL(region_alloc(NPAGES, 0), 0);
    fake_swap(false);
}

static void touch(size_t page)
{
    ((char *)region_addr(page))[page % PAGE_BYTES] = 1;
}

static bool is_dirty(size_t page)
{
    return page_map_any(PAGE_DIRTY, page, 1);
}

static void dirty_runs_are_cleared(void)
{
    set_up();
    for (size_t page = 0; page < 200; page += 1 + page % 3) {
        touch(page);
        page_map_set(PAGE_DIRTY, page, 1);
    }
    zero_prepare(0, 200);
    CHECK(unit_is_zero(region_addr(0), 200 * PAGE_BYTES));
    /* Only what was asked for. */
    touch(9);
    touch(20);
    page_map_set(PAGE_DIRTY, 9, 12);
    zero_prepare(10, 10);
    CHECK(!unit_is_zero(region_addr(9), PAGE_BYTES) && !unit_is_zero(region_addr(20), PAGE_BYTES));
}

static void prepare_taken_for_clean(void)
{
    touch(3);
    zero_prepare(0, 10);
}

static void debug_builds_find_false_cleanliness(void)
{
    set_up();
    CHECK(unit_child_status(prepare_taken_for_clean) != 0);
}

static void small_spans_are_dirty_as_a_whole(void)
{
    set_up();
    PageDensity density = {0};
    uint64_t calls = fake_count(FAKE_ANY);
    zero_retire(100, 3, &density);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, NPAGES), 3);
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
    /* A span that was touched speaks for those after it, up to a point, and for its size only. */
    for (size_t page = 200; page < 216; page++)
        touch(page);
    zero_retire(200, 16, &density);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 200, 16), 16);
    calls = fake_count(SYS_mincore);
    for (size_t i = 0; i < 15; i++)
        zero_retire(300 + 20 * i, 16, &density);
    CHECK_EQUAL(fake_count(SYS_mincore), calls);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 300, 300), 15 * 16);
    zero_retire(700, 16, &density);
    CHECK_EQUAL(fake_count(SYS_mincore), calls + 1);
    zero_retire(800, 32, &density);
    CHECK_EQUAL(fake_count(SYS_mincore), calls + 2);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 700, 200), 0);
}

/* Sparse spans are asked about each time, and stay sparse. */
static void sparse_small_spans_stay_sparse(void)
{
    PageDensity density = {0};
    set_up();
    for (size_t page = 100; page < 2000; page += 32) {
        touch(page);
        zero_retire(page, 32, &density);
    }
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, NPAGES), 60);
}

static void touched_pages_are_dirty(void)
{
    static const size_t touched[] = {100, 101, 163, 164, 2047, 2048, 4095, 4096, 6000, 9000, 9999};
    const size_t count = sizeof touched / sizeof *touched;
    set_up();
    for (size_t i = 0; i < count; i++)
        touch(touched[i]);
    page_map_set(PAGE_DIRTY, 50, 50); /* cleared, handed out, and not touched since */
    zero_retire(77, NPAGES - 77, &(PageDensity){0});
    for (size_t i = 0; i < count; i++)
        CHECK(is_dirty(touched[i]));
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 77, NPAGES - 77), count);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, 77), 27);
}

/* What mincore(2) says, page by page. Other bits of a byte are reserved. */
static bool resident[NPAGES];
static struct unit_random noise = {1};

static long mincore_by_table(const long *arguments)
{
    size_t first = region_page((uintptr_t)arguments[0]);
    unsigned char *answer = (unsigned char *)arguments[2];
    for (size_t i = 0; i < (size_t)arguments[1] / PAGE_BYTES; i++)
        answer[i] = (unsigned char)((unit_random_next(&noise) & 0xfe) | resident[first + i]);
    return 0;
}

static bool given_back[NPAGES];

static long madvise_noted(const long *arguments)
{
    size_t first = region_page((uintptr_t)arguments[0]);
    CHECK_EQUAL(arguments[2], MADV_DONTNEED);
    for (size_t i = 0; i < (size_t)arguments[1] / PAGE_BYTES; i++)
        given_back[first + i] = true;
    return 0;
}

static void retire_at_random(bool swap)
{
    struct unit_random random = unit_random_seeded(unit_seed(1));
    set_up();
    fake_swap(swap);
    fake_handle(SYS_mincore, mincore_by_table);
    fake_handle(SYS_madvise, madvise_noted);
    for (int i = 0; i < 300; i++) {
        size_t npages = 33 + unit_random_below(&random, i % 3 == 0 ? 6000 : 100);
        size_t first = unit_random_below(&random, NPAGES - npages);
        size_t period = 1 + unit_random_below(&random, 200);
        for (size_t page = 0; page < NPAGES; page++)
            resident[page] = unit_random_below(&random, period) == 0;
        memset(given_back, 0, sizeof given_back);
        page_map_set(PAGE_DIRTY, first, npages / 2);
        zero_retire(first, npages, &(PageDensity){0});
        for (size_t page = first; page < first + npages; page++) {
            CHECK_EQUAL(is_dirty(page), resident[page]);
            CHECK_EQUAL(given_back[page], swap && !resident[page]);
        }
        CHECK(memchr(given_back, true, first) == NULL);
        CHECK(memchr(given_back + first + npages, true, NPAGES - first - npages) == NULL);
    }
}

static void any_pattern(void)
{
    retire_at_random(false);
}

static void any_pattern_with_swap(void)
{
    retire_at_random(true);
}

/* What was dirty was cleared when it was handed out, and nobody has to ask; but for what went back since. */
static void what_was_dirty_is_not_asked_about(void)
{
    set_up();
    page_map_set(PAGE_DIRTY, 100, 300);
    zero_retire(100, 300, &(PageDensity){0});
    CHECK_EQUAL(fake_count(SYS_mincore), 0);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 100, 300), 300);
    space_discarded(range_of(region_addr(150), 10 * PAGE_BYTES));
    zero_retire(100, 300, &(PageDensity){0});
    CHECK(fake_count(SYS_mincore) != 0);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 150, 10), 0);
}

static void swapped_out_pages_come_back_zero(void)
{
    set_up();
    fake_swap(true);
    fake_swapped_out(true);
    memset(region_addr(100), 1, 100 * PAGE_BYTES);
    zero_retire(100, 100, &(PageDensity){0});
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, NPAGES), 0);
    CHECK(unit_is_zero(region_addr(100), 100 * PAGE_BYTES));
}

static void swapped_out_pages_that_stay_are_dirty(void)
{
    set_up();
    fake_swap(true);
    fake_swapped_out(true);
    fake_fail(SYS_madvise, 1, FAKE_EVER, EINVAL);
    zero_retire(100, 100, &(PageDensity){0});
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 100, 100), 100);
}

/* The answer may be old, but not for ever. */
static void swap_is_asked_for_again(void)
{
    set_up();
    fake_swapped_out(true);
    for (int i = 0; i < 100; i++)
        zero_retire(100, 100, &(PageDensity){0});
    uint64_t asked = fake_count(SYS_sysinfo);
    CHECK(asked >= 2 && asked <= 10);
    CHECK_EQUAL(fake_count(SYS_madvise), 0);
    fake_swap(true);
    for (int i = 0; i < 100; i++)
        zero_retire(100, 100, &(PageDensity){0});
    CHECK(fake_count(SYS_madvise) > 0);
}

static void all_is_dirty_where_residency_is_refused(void)
{
    static const int errors[] = {ENOSYS, EPERM, EAGAIN, ENOMEM, EFAULT};
    set_up();
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fake_fail(SYS_mincore, 2, 1, errors[i]); /* of the second window */
        page_map_clear(PAGE_DIRTY, 0, NPAGES);
        zero_retire(0, 4096, &(PageDensity){0});
        CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, 2048), 0);
        CHECK_EQUAL(page_map_count(PAGE_DIRTY, 2048, NPAGES - 2048), 2048);
    }
}

static void purge(void)
{
    set_up();
    touch(5);
    page_map_set(PAGE_DIRTY, 5, 2);
    fake_fail(SYS_madvise, 1, 1, EINVAL);
    CHECK(!zero_purge(5, 2));
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, NPAGES), 2);
    CHECK(!unit_is_zero(region_addr(5), PAGE_BYTES));
    CHECK(zero_purge(5, 2));
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, NPAGES), 0);
    CHECK(unit_is_zero(region_addr(5), PAGE_BYTES));
}

static void selftest(void)
{
    CHECK(!zero_selftest()); /* there is no region */
    CHECK(region_init(64 * MIB));
    fake_fail(SYS_mprotect, 1, 1, ENOMEM);
    CHECK(!zero_selftest());
    CHECK(zero_selftest());
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, SUPER_PAGES), SUPER_PAGES);
    CHECK_EQUAL(region_dirty_pages(), 0);
    CHECK_EQUAL(region_alloc(10, 0), 0);
    CHECK(unit_is_zero(region_addr(0), 10 * PAGE_BYTES));
}

static void selftest_of_a_liar(void)
{
    CHECK(region_init(64 * MIB));
    fake_idle_madvise();
    CHECK(!zero_selftest());
    fake_handle(SYS_madvise, NULL);
    fake_fail(SYS_madvise, 1, FAKE_EVER, ENOSYS);
    CHECK(!zero_selftest());
}

/* Then every used page counts as dirty, and nobody is asked. */
static void mincore_that_knows_nothing(void)
{
    set_up();
    fake_swapped_out(true);
    CHECK(zero_selftest());
    uint64_t calls = fake_count(FAKE_ANY);
    zero_retire(0, 1000, &(PageDensity){0});
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, 1000), 1000);
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
}

/* Every size class: asked about always, cleared at once, dirty all the same, sparse where it was. */
static void scrubbed_pages_are_cleared_and_retained(void)
{
    static const size_t sizes[] = {4, 16, 32, 33, 100, 3000};
    PageDensity density = {0};
    unsigned char residency[3000];
    set_up();
    g_config.scrub = 1;
    for (size_t i = 0, first = 0; i < sizeof sizes / sizeof *sizes; first += sizes[i++]) {
        for (size_t page = first; page < first + sizes[i]; page += 2)
            touch(page);
        for (int again = 0; again < 3; again++)
            zero_retire(first, sizes[i], &density);
        CHECK_EQUAL(page_map_count(PAGE_DIRTY, first, sizes[i]), (sizes[i] + 1) / 2);
        CHECK(os_resident(region_addr(first), sizes[i], residency));
        for (size_t page = 0; page < sizes[i]; page++) {
            CHECK_EQUAL(residency[page] & 1, page % 2 == 0);
            CHECK_EQUAL(is_dirty(first + page), page % 2 == 0);
        }
        CHECK(unit_is_zero(region_addr(first), sizes[i] * PAGE_BYTES));
    }
    touch(9000);
    touch(9001);
    zero_retire(9000, 2, &density);
    CHECK(is_dirty(9000) && is_dirty(9001));
    CHECK(unit_is_zero(region_addr(9000), 2 * PAGE_BYTES));
}

static void what_cannot_be_asked_about_is_scrubbed_as_a_whole(void)
{
    set_up();
    g_config.scrub = 1;
    fake_fail(SYS_mincore, 1, FAKE_EVER, EAGAIN);
    touch(5);
    touch(30);
    zero_retire(0, 40, &(PageDensity){0});
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, 40), 40);
    CHECK(unit_is_zero(region_addr(0), 40 * PAGE_BYTES));
}

static void mincore_that_is_refused(void)
{
    set_up();
    fake_fail(SYS_mincore, 1, FAKE_EVER, ENOSYS);
    CHECK(zero_selftest());
    uint64_t calls = fake_count(FAKE_ANY);
    zero_retire(0, 1000, &(PageDensity){0});
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, 1000), 1000);
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
}

UNIT_MAIN(UNIT_CASE(dirty_runs_are_cleared), UNIT_CASE(debug_builds_find_false_cleanliness),
          UNIT_CASE(small_spans_are_dirty_as_a_whole), UNIT_CASE(sparse_small_spans_stay_sparse),
          UNIT_CASE(touched_pages_are_dirty), UNIT_CASE(any_pattern),
          UNIT_CASE(any_pattern_with_swap), UNIT_CASE(what_was_dirty_is_not_asked_about),
          UNIT_CASE(swapped_out_pages_come_back_zero),
          UNIT_CASE(swapped_out_pages_that_stay_are_dirty), UNIT_CASE(swap_is_asked_for_again),
          UNIT_CASE(all_is_dirty_where_residency_is_refused), UNIT_CASE(purge), UNIT_CASE(selftest),
          UNIT_CASE(selftest_of_a_liar), UNIT_CASE(mincore_that_knows_nothing),
          UNIT_CASE(mincore_that_is_refused), UNIT_CASE(scrubbed_pages_are_cleared_and_retained),
          UNIT_CASE(what_cannot_be_asked_about_is_scrubbed_as_a_whole))
