/* Of region.h: where the region is, and how large. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "claim.h"
#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "unit.h"

static void set_up(size_t nbytes)
{
    CHECK(region_init(nbytes));
    CHECK_EQUAL(g_region.nbytes, nbytes);
}

static void place(void)
{
    CHECK(!region_owns(0));
    CHECK(!region_owns(SUPER_BYTES));
    set_up(GIB);
    CHECK_EQUAL(g_region.base % SUPER_BYTES, 0);
    if (!UNIT_TSAN) {
        CHECK(g_region.base >= 0x200000000000);
        CHECK(g_region.base + g_region.nbytes <= 0x400000000000);
    }
    CHECK(region_owns(g_region.base) && region_owns(g_region.base + GIB - 1));
    CHECK(!region_owns(g_region.base - 1) && !region_owns(g_region.base + GIB));
    CHECK(!region_owns(0) && !region_owns(UINTPTR_MAX));
    CHECK_EQUAL(region_used_pages(), 0);
    CHECK_EQUAL(region_dirty_pages(), 0);
}

/* A kernel with an address space of so many bytes, that has at most so many in one piece. */
static rlim_t address_space;
static size_t largest_piece;

static long prlimit_of_fake(const long *arguments)
{
    ((struct rlimit *)arguments[3])->rlim_cur = address_space;
    return 0;
}

static long mmap_up_to_largest(const long *arguments)
{
    bool reserves = arguments[2] == PROT_NONE;
    return reserves && (size_t)arguments[1] > largest_piece ? -ENOMEM
                                                            : fake_real(SYS_mmap, arguments);
}

static void eighth_of_rlimit_as(void)
{
    fake_handle(SYS_prlimit64, prlimit_of_fake);
    address_space = 512 * MIB - 1;
    CHECK(!region_init(64 * GIB));
    CHECK_EQUAL(g_region.nbytes, 0);
    address_space = 0;
    CHECK(!region_init(64 * GIB));
    address_space = 8 * (130 * MIB + 5);
    CHECK(region_init(64 * GIB));
    CHECK_EQUAL(g_region.nbytes, 130 * MIB);
}

static void rlimit_as_above_need(void)
{
    fake_handle(SYS_prlimit64, prlimit_of_fake);
    address_space = 64 * GIB;
    CHECK(region_init(64 * MIB));
    CHECK_EQUAL(g_region.nbytes, 64 * MIB);
}

static void halves_until_it_fits(void)
{
    fake_handle(SYS_mmap, mmap_up_to_largest);
    largest_piece = GIB - 1;
    CHECK(region_init(64 * GIB));
    CHECK_EQUAL(g_region.nbytes, 512 * MIB);
}

static void halves_down_to_64_mb(void)
{
    fake_handle(SYS_mmap, mmap_up_to_largest);
    largest_piece = 64 * MIB;
    CHECK(region_init(64 * GIB));
    CHECK_EQUAL(g_region.nbytes, 64 * MIB);
}

static void no_room_at_all(void)
{
    fake_handle(SYS_mmap, mmap_up_to_largest);
    largest_piece = 64 * MIB - 1;
    CHECK(!region_init(64 * GIB));
    CHECK_EQUAL(fake_count(SYS_mmap), 11);
    CHECK_EQUAL(g_region.nbytes, 0);
    CHECK(!region_owns(0));
}

static size_t nmapped;

static long mmap_misaligned(const long *arguments)
{
    long elsewhere[6];
    memcpy(elsewhere, arguments, sizeof elsewhere);
    long result = fake_real(SYS_mmap, arguments);
    if (arguments[2] == PROT_NONE && result > 0) {
        /* The same again, a page higher. */
        fake_real(SYS_munmap, (const long[6]){result, arguments[1]});
        elsewhere[0] = (long)align_up((size_t)result, SUPER_BYTES) - (long)(SUPER_BYTES / 2);
        elsewhere[3] |= MAP_FIXED;
        result = fake_real(SYS_mmap, elsewhere);
        nmapped++;
    }
    return result;
}

static void misaligned_is_put_right(void)
{
    fake_handle(SYS_mmap, mmap_misaligned);
    set_up(64 * MIB);
    CHECK_EQUAL(g_region.base % SUPER_BYTES, 0);
    CHECK_EQUAL(nmapped, 2);
    CHECK_EQUAL(region_alloc(64 * MIB / PAGE_BYTES, 0), 0);
    memset(region_addr(0), 1, 64 * MIB);
}

static void no_memory_for_tables(void)
{
    for (unsigned nth = 2; nth <= 3; nth++) {
        fake_fail(SYS_mmap, nth, 1, ENOMEM);
        uint64_t unmaps = fake_count(SYS_munmap);
        CHECK(!region_init(64 * MIB));
        CHECK_EQUAL(g_region.nbytes, 0);
        CHECK(fake_count(SYS_munmap) > unmaps);
    }
    set_up(64 * MIB);
}

/* TSan leaves no terabyte in one piece. */
#define LARGEST (UNIT_TSAN ? 256 * GIB : 1024 * GIB)

static void largest_region(void)
{
    const size_t last = LARGEST / PAGE_BYTES - 1;
    set_up(LARGEST);
    CHECK_EQUAL(region_alloc(GIB / PAGE_BYTES, (unsigned)min_size(region_order(), 18)), 0);
    CHECK_EQUAL(region_alloc(2 * GIB / PAGE_BYTES, region_order() + 1), NO_PAGE);
    CHECK_EQUAL(claim_begin(last, 1, true, true), CLAIM_OK);
    claim_end(last, 1, true);
    CHECK_EQUAL(page_map_take_next(PAGE_LIVE, last, last + 1).first, last);
    CHECK(!region_take(last, 1));
    region_reserve_again(last, 1);
    CHECK_EQUAL(region_alloc(1, 0), GIB / PAGE_BYTES);
}

UNIT_MAIN(UNIT_CASE(place), UNIT_CASE(eighth_of_rlimit_as), UNIT_CASE(rlimit_as_above_need),
          UNIT_CASE(halves_until_it_fits), UNIT_CASE(halves_down_to_64_mb),
          UNIT_CASE(no_room_at_all), UNIT_CASE(misaligned_is_put_right),
          UNIT_CASE(no_memory_for_tables), UNIT_CASE(largest_region))
