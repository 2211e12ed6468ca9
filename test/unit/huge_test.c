#include "huge.h"

#include <string.h>
#include <sys/mman.h>

#include "config.h"
#include "fake_kernel.h"
#include "os.h"
#include "purge.h"
#include "region.h"
#include "space.h"
#include "unit.h"

/* What the system says. */
static const char *enabled = "always [madvise] never\n";

/* Which superblocks are under MADV_HUGEPAGE, and how often that was said of any. */
#define NSUPERS 256
static bool advised[NSUPERS];
static unsigned nadvices;

/* Which were, and are resident as a whole. */
static bool held[NSUPERS];

static bool any_resident(size_t super)
{
    unsigned char residency[SUPER_PAGES];
    long arguments[6] = {(long)region_addr(super * SUPER_PAGES), SUPER_BYTES, (long)residency};
    return fake_real(SYS_mincore, arguments) == 0 && memchr(residency, 1, SUPER_PAGES) != NULL;
}

static size_t count_split(void)
{
    size_t count = 0;
    for (size_t i = 0; i < NSUPERS; i++)
        count += held[i] && !advised[i];
    return count;
}

static long madvise_of_huge(const long *arguments)
{
    int advice = (int)arguments[2];
    if (advice != MADV_HUGEPAGE && advice != MADV_NOHUGEPAGE)
        return fake_real(SYS_madvise, arguments);
    size_t first = region_page((uintptr_t)arguments[0]) / SUPER_PAGES;
    size_t count = (size_t)arguments[1] / SUPER_BYTES;
    for (size_t i = 0; i < count && first + i < NSUPERS; i++) {
        held[first + i] |= advised[first + i] && any_resident(first + i);
        advised[first + i] = advice == MADV_HUGEPAGE;
    }
    nadvices++;
    return 0;
}

/* Of huge ones all pages are resident as soon as one is, as with a huge page behind them. */
static long mincore_of_huge(const long *arguments)
{
    unsigned char *residency = (unsigned char *)arguments[2];
    size_t npages = (size_t)arguments[1] / PAGE_BYTES;
    size_t first = region_page((uintptr_t)arguments[0]);
    long result = fake_real(SYS_mincore, arguments);
    if (npages == SUPER_PAGES && (advised[first / SUPER_PAGES] || held[first / SUPER_PAGES]))
        memset(residency, memchr(residency, 1, npages) != NULL, npages);
    return result;
}

static void set_up(const char *knobs)
{
    fake_huge_pages(enabled);
    fake_handle(SYS_madvise, madvise_of_huge);
    fake_handle(SYS_mincore, mincore_of_huge);
    unit_start(knobs);
}

static char *take(size_t nbytes)
{
    char *span = space_map(nbytes);
    CHECK(span != NULL);
    return span;
}

static void touch(char *span, size_t npages)
{
    for (size_t i = 0; i < npages; i++)
        span[i * PAGE_BYTES] = 1;
}

static size_t super_of(const char *span)
{
    return region_page((uintptr_t)span) / SUPER_PAGES;
}

/* Takes and touches superblocks until one is huge. */
static size_t show(void)
{
    for (;;) {
        char *span = take(SUPER_BYTES);
        touch(span, SUPER_PAGES);
        if (advised[super_of(span)])
            return super_of(span);
        CHECK(super_of(span) < 4);
    }
}

/* Takes superblocks, and touches so many pages of each: how many are huge. */
static size_t count_huge(size_t count, size_t npages)
{
    size_t nhuge = 0;
    for (size_t i = 0; i < count; i++) {
        char *span = take(SUPER_BYTES);
        nhuge += advised[super_of(span)];
        touch(span, npages);
    }
    return nhuge;
}

static void small_programs_stay_small(void)
{
    set_up("REGION=512M");
    for (int i = 0; i < 20; i++)
        touch(take(2 * SUPER_BYTES / 64), 4);
    CHECK_EQUAL(memchr(advised, true, NSUPERS) == NULL, true);
    CHECK_EQUAL(nadvices, 0);
}

/* The second superblock is huge where the first is all but full, not where half of it is used. */
static void second_follows_the_first(void)
{
    set_up("REGION=512M");
    touch(take(SUPER_BYTES), SUPER_PAGES * 15 / 16);
    char *second = take(SUPER_BYTES);
    CHECK_EQUAL(super_of(second), 1);
    CHECK_EQUAL(advised[0], false);
    CHECK_EQUAL(advised[1], true);
}

static void second_stays_small(void)
{
    set_up("REGION=512M");
    touch(take(SUPER_BYTES), SUPER_PAGES / 2);
    touch(take(SUPER_BYTES), SUPER_PAGES);
    CHECK_EQUAL(nadvices, 0);
    take(SUPER_BYTES);
    CHECK_EQUAL(advised[2], true);
}

static void those_that_use_memory_get_them(void)
{
    set_up("REGION=512M");
    size_t first = show();
    CHECK(first <= 3);
    for (size_t i = 1; i <= 50; i++) {
        char *span = take(SUPER_BYTES);
        CHECK_EQUAL(advised[super_of(span)], true);
        touch(span, SUPER_PAGES);
    }
}

/* A guard page at the start of each says nothing about the others. */
static void pages_that_cannot_be_read(void)
{
    set_up("REGION=512M");
    show();
    for (size_t i = 1; i <= 50; i++) {
        char *span = take(SUPER_BYTES);
        CHECK_EQUAL(advised[super_of(span)], true);
        touch(span, SUPER_PAGES);
        CHECK(mprotect(span, PAGE_BYTES, PROT_NONE) == 0);
    }
}

/* 4 MB of waste, and not much more, however much is taken. */
static void waste_is_bounded(void)
{
    set_up("REGION=512M");
    show();
    size_t count = count_huge(50, 8);
    CHECK(count >= 2);
    CHECK(count <= 4);
}

/* Those that were full and are discarded whole may not be so again. */
static void discarded_ones_count(void)
{
    set_up("REGION=512M");
    show();
    char *spans[20];
    size_t count = 0;
    for (int i = 0; i < 20; i++)
        touch(spans[i] = take(SUPER_BYTES), SUPER_PAGES);
    for (int i = 0; i < 20; i++) {
        CHECK(madvise(spans[i], SUPER_BYTES, MADV_DONTNEED) == 0);
        space_discarded(range_of(spans[i], SUPER_BYTES));
    }
    for (int i = 0; i < 20; i++)
        count += advised[super_of(spans[i])];
    CHECK(count >= 1);
    CHECK(count <= 4);
}

static void what_is_left_of_split_ones_counts(void)
{
    set_up("REGION=512M");
    show();
    for (int i = 0; i < 50; i++) {
        char *span = take(SUPER_BYTES);
        touch(span, 2);
        space_discarded(range_of(span, PAGE_BYTES));
    }
    CHECK(count_split() >= 1);
    CHECK(count_split() <= 5);
}

/* So is what is taken before any of it is touched. */
static void trust_is_bounded(void)
{
    size_t count = 0;
    set_up("REGION=512M");
    size_t first = show();
    char *large = take(20 * SUPER_BYTES);
    for (size_t i = 0; i < 20; i++)
        count += advised[super_of(large) + i];
    CHECK(super_of(large) == first + 1);
    CHECK_EQUAL(count, 2);
}

/* Found to be used later on, they leave room for others. */
static void waste_that_is_used_is_none(void)
{
    set_up("REGION=512M");
    show();
    char *spans[20];
    for (int i = 0; i < 20; i++)
        touch(spans[i] = take(SUPER_BYTES), 8);
    CHECK_EQUAL(advised[super_of(spans[19])], false);
    for (int i = 0; i < 20; i++)
        touch(spans[i], SUPER_PAGES);
    CHECK(count_huge(20, SUPER_PAGES) >= 17);
}

/* Where there is never room, and where there is again. */
static void looks_pause(void)
{
    set_up("REGION=512M");
    show();
    char *spans[2];
    for (int i = 0; i < 2; i++)
        touch(spans[i] = take(SUPER_BYTES), 8);
    uint64_t before = fake_count(SYS_process_vm_readv);
    for (int i = 0; i < 100; i++)
        touch(take(SUPER_BYTES), SUPER_PAGES);
    CHECK(fake_count(SYS_process_vm_readv) - before < 1000);
    for (int i = 0; i < 2; i++)
        touch(spans[i], SUPER_PAGES);
    CHECK(count_huge(80, SUPER_PAGES) >= 80 - 32);
}

static void purged_whole_is_as_before(void)
{
    set_up("REGION=512M");
    size_t super = show();
    space_unmap(range_of(region_addr(super * SUPER_PAGES), SUPER_BYTES));
    purge_everything();
    CHECK_EQUAL(advised[super], false);
    char *span = take(SUPER_BYTES);
    CHECK_EQUAL(super_of(span), super);
    CHECK_EQUAL(advised[super], true);
    CHECK(unit_is_zero(span, SUPER_BYTES));
}

static void purged_in_part_is_small(void)
{
    set_up("REGION=512M");
    size_t super = show();
    space_unmap(range_of(region_addr(super * SUPER_PAGES), SUPER_BYTES / 2));
    CHECK_EQUAL(advised[super], true);
    purge_everything();
    CHECK_EQUAL(advised[super], false);
}

static void program_gives_back(void)
{
    set_up("REGION=512M");
    size_t super = show();
    char *start = region_addr(super * SUPER_PAGES);
    space_discarded(range_of(start, SUPER_BYTES));
    CHECK_EQUAL(advised[super], true);
    space_discarded(range_of(start, PAGE_BYTES));
    CHECK_EQUAL(advised[super], false);
}

static void reservations_stay_small(void)
{
    set_up("REGION=512M");
    size_t super = show();
    char *reserved = space_reserve(64 * KIB);
    CHECK_EQUAL(super_of(reserved), super + 1);
    touch(take(SUPER_BYTES / 2), 1);
    CHECK_EQUAL(advised[super + 1], false);
}

/* Memory that the kernel is to move is one mapping. */
static void seams_are_closed(void)
{
    set_up("REGION=512M");
    size_t super = show();
    char *huge = region_addr(super * SUPER_PAGES);
    space_join(range_of(huge, SUPER_BYTES));
    space_join(range_of(huge - 2 * PAGE_BYTES, 2 * PAGE_BYTES));
    CHECK_EQUAL(advised[super], true);
    space_join(range_of(huge - PAGE_BYTES, 2 * PAGE_BYTES));
    CHECK_EQUAL(advised[super], false);
}

/* A fresh mapping in a huge superblock is advised as its neighbours are. */
static void replaced_is_advised(void)
{
    set_up("REGION=512M");
    size_t super = show();
    unsigned before = nadvices;
    CHECK(huge_replace(super * SUPER_PAGES, SUPER_PAGES, true));
    CHECK_EQUAL(nadvices - before, 1);
    CHECK_EQUAL(advised[super], true);
    CHECK(huge_replace(super * SUPER_PAGES - 1, 2, true));
    CHECK_EQUAL(advised[super], false);
}

static void none_where_the_system_has_none(void)
{
    enabled = "always madvise [never]\n";
    set_up("REGION=512M");
    for (int i = 0; i < 20; i++)
        touch(take(SUPER_BYTES), SUPER_PAGES);
    CHECK_EQUAL(nadvices, 0);
}

/* Where all get them, the region gets them where it is decided so, and large spans always. */
static void system_gives_them_to_all(void)
{
    enabled = "[always] madvise never\n";
    set_up("REGION=512M");
    CHECK_EQUAL(nadvices, 1);
    CHECK_EQUAL(advised[0], false);
    CHECK_EQUAL(advised[super_of(take(SUPER_BYTES))], false);
    size_t super = super_of(take(4 * SUPER_BYTES)) + 1;
    for (size_t i = 0; i < 3; i++)
        CHECK_EQUAL(advised[super + i], true);
    unsigned before = nadvices;
    CHECK(huge_replace(super * SUPER_PAGES, SUPER_PAGES, true));
    CHECK_EQUAL(nadvices - before, 1);
    CHECK_EQUAL(advised[super], true);
}

static long madvise_of_none(const long *arguments)
{
    return arguments[2] == MADV_HUGEPAGE || arguments[2] == MADV_NOHUGEPAGE
               ? -22
               : fake_real(SYS_madvise, arguments);
}

static void kernels_without_them(void)
{
    fake_huge_pages(enabled);
    fake_handle(SYS_madvise, madvise_of_none);
    unit_start("REGION=512M");
    for (int i = 0; i < 20; i++)
        touch(take(SUPER_BYTES), SUPER_PAGES);
    /* Whether the first is full is asked before. */
    CHECK(fake_count(SYS_process_vm_readv) <= 1);
}

static void knob_never(void)
{
    set_up("REGION=512M THP=never");
    for (int i = 0; i < 20; i++)
        touch(take(SUPER_BYTES), SUPER_PAGES);
    CHECK_EQUAL(nadvices, 0);
}

static void knob_always(void)
{
    set_up("REGION=512M THP=always");
    CHECK_EQUAL(nadvices, 1);
    CHECK_EQUAL(advised[0] && advised[NSUPERS - 1], true);
}

static void take_and_touch(size_t index)
{
    (void)index;
    for (int i = 0; i < 20; i++) {
        char *span = take(SUPER_BYTES);
        touch(span, SUPER_PAGES);
        if (i % 2 == 0)
            space_unmap(range_of(span, SUPER_BYTES));
    }
    purge_everything();
}

static void threads(void)
{
    unit_start("REGION=1G");
    unit_threads(4, take_and_touch);
}

UNIT_MAIN(UNIT_CASE(small_programs_stay_small), UNIT_CASE(second_follows_the_first),
          UNIT_CASE(second_stays_small), UNIT_CASE(those_that_use_memory_get_them),
          UNIT_CASE(pages_that_cannot_be_read), UNIT_CASE(waste_is_bounded),
          UNIT_CASE(trust_is_bounded), UNIT_CASE(waste_that_is_used_is_none),
          UNIT_CASE(looks_pause), UNIT_CASE(purged_whole_is_as_before),
          UNIT_CASE(purged_in_part_is_small), UNIT_CASE(program_gives_back),
          UNIT_CASE(discarded_ones_count), UNIT_CASE(what_is_left_of_split_ones_counts),
          UNIT_CASE(reservations_stay_small), UNIT_CASE(seams_are_closed),
          UNIT_CASE(replaced_is_advised), UNIT_CASE(none_where_the_system_has_none),
          UNIT_CASE(system_gives_them_to_all), UNIT_CASE(kernels_without_them),
          UNIT_CASE(knob_never), UNIT_CASE(knob_always), UNIT_CASE(threads))
