#include "start.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "fake_kernel.h"
#include "page_arena.h"
#include "region.h"
#include "space.h"
#include "unit.h"

static void comes_up_once(void)
{
    CHECK(start_arena());
    CHECK_EQUAL(g_region.nbytes, 64 * GIB);
    uint64_t calls = fake_count(FAKE_ANY);
    CHECK(start_arena());
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
    CHECK(space_map(1) != NULL);
}

/* With memory from the kernel, page_arena_* still serve. */
static void check_down(void)
{
    CHECK(!start_arena());
    fake_reset();
    CHECK(!start_arena());
    CHECK_EQUAL(fake_count(FAKE_ANY), 0);
    CHECK(space_map(PAGE_BYTES) == NULL);
    PageArena arena;
    CHECK(!page_arena_init(&arena));
    char *memory = page_arena_alloc_aligned(NULL, 100 * KIB, MIB);
    CHECK(memory != NULL && (uintptr_t)memory % MIB == 0);
    CHECK(unit_is_zero(memory, 100 * KIB));
    memset(memory, 1, 100 * KIB);
    CHECK(!region_owns((uintptr_t)memory));
    page_arena_free_pages(NULL, memory, 100 * KIB);
    CHECK(fake_count(SYS_munmap) >= 1);
    page_arena_print_stats(NULL);
}

static void no_region(void)
{
    fake_fail(SYS_mmap, 1, FAKE_EVER, ENOMEM);
    check_down();
}

static void kernel_that_lies(void)
{
    fake_idle_madvise();
    check_down();
}

static void kernel_without_madvise(void)
{
    fake_fail(SYS_madvise, 1, FAKE_EVER, ENOSYS);
    check_down();
}

static void nothing_can_be_committed(void)
{
    fake_fail(SYS_mprotect, 1, FAKE_EVER, ENOMEM);
    check_down();
}

static void mincore_and_names_are_not_needed(void)
{
    fake_fail(SYS_prctl, 1, FAKE_EVER, EINVAL);
    fake_handle(SYS_mincore, NULL);
    fake_fail(SYS_mincore, 1, FAKE_EVER, ENOSYS);
    CHECK(start_arena());
    void *span = space_map(MIB);
    CHECK(span != NULL);
    memset(span, 1, MIB);
    space_unmap(range_of(span, MIB));
    span = space_map(MIB);
    CHECK(unit_is_zero(span, MIB));
    CHECK_EQUAL(fake_count(SYS_prctl), 2);
}

static bool up[8];

static void start_in_thread(size_t index)
{
    up[index] = start_arena();
    CHECK(space_map(PAGE_BYTES) != NULL);
}

static void many_threads_start_it_once(void)
{
    unit_threads(8, start_in_thread);
    for (int i = 0; i < 8; i++)
        CHECK(up[i]);
    CHECK_EQUAL(region_used_pages(), SUPER_PAGES);
}

static void nothing_before_the_start(void)
{
    CHECK(space_map(PAGE_BYTES) == NULL);
    space_unmap(range_of((void *)SUPER_BYTES, SUPER_BYTES));
    CHECK(!space_overlaps(range_of((void *)PAGE_BYTES, SIZE_MAX / 2)));
    CHECK_EQUAL(fake_count(FAKE_ANY), 0);
}

static void knobs_are_read(void)
{
    unit_start("REGION=128M HOT_SIZE=64 WARM_64K=17 WARM_128K=9 WARM_2M=5 ENABLE=1");
    CHECK_EQUAL(g_region.nbytes, 128 * MIB);
    CHECK_EQUAL(page_arena_hot_size(), 64);
    CHECK_EQUAL(page_arena_warm_64k_size(), 17);
    CHECK_EQUAL(page_arena_warm_128k_size(), 9);
    CHECK_EQUAL(page_arena_warm_2m_size(), 5);
    CHECK(page_arena_enabled());
}

UNIT_MAIN(UNIT_CASE(comes_up_once), UNIT_CASE(no_region), UNIT_CASE(kernel_that_lies),
          UNIT_CASE(kernel_without_madvise), UNIT_CASE(nothing_can_be_committed),
          UNIT_CASE(mincore_and_names_are_not_needed), UNIT_CASE(many_threads_start_it_once),
          UNIT_CASE(nothing_before_the_start), UNIT_CASE(knobs_are_read))
