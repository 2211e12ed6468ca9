#include "space.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "thread.h"
#include "unit.h"

#define SMALL "REGION=64M"

static struct range map(size_t nbytes)
{
    char *addr = space_map(nbytes);
    CHECK(addr != NULL && unit_is_zero(addr, nbytes));
    return range_of(addr, align_up(nbytes, PAGE_BYTES));
}

static struct range part(struct range range, size_t first, size_t npages)
{
    return range_of((char *)range.start + first * PAGE_BYTES, npages * PAGE_BYTES);
}

static void fill(struct range range)
{
    unit_fill((void *)range.start, range.end - range.start, 1);
}

static bool filled(struct range range)
{
    return unit_filled((void *)range.start, range.end - range.start, 1);
}

static void map_over(struct range range)
{
    CHECK(mmap((void *)range.start, range.end - range.start, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)range.start);
}

static bool is_whole_region_free(void)
{
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    thread_leave(arena);
    size_t used = region_used_pages();
    return page_map_count(PAGE_FREE, 0, used) + page_map_count(PAGE_CACHED, 0, used) == used;
}

static void overlaps_and_clips(void)
{
    unit_start(SMALL);
    uintptr_t base = g_region.base;
    uintptr_t end = base + g_region.nbytes;
    CHECK(!space_overlaps((struct range){base - 4096, base}));
    CHECK(!space_overlaps((struct range){end, end + 4096}));
    CHECK(!space_overlaps((struct range){base, base}));
    CHECK(!space_overlaps((struct range){base + 4096, base}));
    CHECK(space_overlaps((struct range){base - 4096, base + 4096}));
    CHECK(space_overlaps((struct range){end - 4096, UINTPTR_MAX - 4095}));
    CHECK(space_overlaps((struct range){0, UINTPTR_MAX - 4095}));
    struct range clip = space_clip((struct range){0, UINTPTR_MAX - 4095});
    CHECK(clip.start == base && clip.end == end);
    clip = space_clip((struct range){end, end + 4096});
    CHECK(clip.start == clip.end);
    clip = space_clip((struct range){base + 4096, base + 8192});
    CHECK(clip.start == base + 4096 && clip.end == base + 8192);
}

static void sizes_and_alignment(void)
{
    unit_start(SMALL);
    struct range byte = map(1);
    CHECK(space_is_live(byte));
    fill(byte);
    for (size_t npages = 1; npages <= 2048; npages = npages * 3 / 2 + 1) {
        struct range range = map(npages * PAGE_BYTES - 1);
        fill(range);
        CHECK(space_is_live(range) && !space_is_odd(range));
    }
    for (size_t npages = 16; npages <= 1024; npages *= 2)
        CHECK_EQUAL(map(npages * PAGE_BYTES).start % (npages * PAGE_BYTES), 0);
    CHECK(filled(byte));
    CHECK(space_map((size_t)1 << 40) == NULL);
    CHECK(space_map(PTRDIFF_MAX) == NULL);
    CHECK(space_map(SIZE_MAX) == NULL);
}

static void exact_place(void)
{
    unit_start(SMALL);
    struct range range = map(100 * PAGE_BYTES);
    fill(range);
    CHECK(!space_map_at(range));
    CHECK(!space_map_at(part(range, 99, 2)));
    space_unmap(range);
    CHECK(space_map_at(part(range, 10, 20)));
    CHECK(unit_is_zero((void *)part(range, 10, 20).start, 20 * PAGE_BYTES));
    CHECK(!space_map_at(range));
    CHECK(space_map_at(part(range, 0, 10)));
    CHECK(space_is_live(part(range, 0, 30)) && !space_is_live(part(range, 0, 31)));
}

/* Ranges are any ranges: one that sticks out of the region is not free. */
static void exact_place_outside(void)
{
    unit_start(SMALL);
    struct range range = map(16 * PAGE_BYTES);
    space_unmap(range);
    uintptr_t base = g_region.base;
    uintptr_t end = base + g_region.nbytes;
    CHECK(!space_map_at((struct range){end - PAGE_BYTES, end + PAGE_BYTES}));
    CHECK(!space_map_at((struct range){end, end + PAGE_BYTES}));
    CHECK(!space_map_at((struct range){end + PAGE_BYTES, end + 2 * PAGE_BYTES}));
    CHECK(!space_map_at((struct range){base - PAGE_BYTES, base + PAGE_BYTES}));
    CHECK(!space_map_at((struct range){base - 2 * PAGE_BYTES, base - PAGE_BYTES}));
    CHECK(!space_map_at((struct range){PAGE_BYTES, 2 * PAGE_BYTES}));
}

/* Dirty pages at the same sizes, for what is mapped next. */
static void soil(size_t nbytes)
{
    struct range spans[4];
    for (size_t i = 0; i < 4; i++)
        fill(spans[i] = map(nbytes));
    for (size_t i = 0; i < 4; i++)
        space_unmap(spans[i]);
}

static void grows_by_a_copy(void)
{
    unit_start(SMALL);
    static const size_t npages[] = {1, 2, 16, 33, 512};
    for (size_t i = 0; i < 5; i++) {
        size_t nbytes = npages[i] * PAGE_BYTES;
        size_t more = nbytes + nbytes / 2 + 1;
        soil(more);
        struct range old = map(nbytes);
        for (size_t at = 0; at < nbytes; at += 8)
            *(size_t *)(old.start + at) = at + 1;
        struct range new = range_of(space_grow(old, more), align_up(more, PAGE_BYTES));
        CHECK(new.start != 0 && new.start != old.start);
        CHECK(space_is_live(new) && !space_has_live(old));
        for (size_t at = 0; at < nbytes; at += 8)
            CHECK(*(size_t *)(new.start + at) == at + 1);
        CHECK(unit_is_zero((char *)new.start + nbytes, new.end - new.start - nbytes));
        space_unmap(new);
    }
    CHECK(is_whole_region_free());
}

static void does_not_grow_by_a_copy(void)
{
    unit_start(SMALL);
    struct range range = map(64 * PAGE_BYTES);
    CHECK(os_purge((void *)range.start, 64 * PAGE_BYTES));
    CHECK(space_grow(range, 128 * PAGE_BYTES) == NULL); /* none is resident */
    fill(part(range, 0, 63));
    CHECK(space_grow(range, 128 * PAGE_BYTES) == NULL); /* one is not */
    fill(range);
    CHECK(space_grow(range, 79 * PAGE_BYTES) == NULL); /* by too little */
    CHECK(space_grow(range, (size_t)1 << 40) == NULL); /* there is no room */
    space_mark(PAGE_LENT, part(range, 5, 1));
    CHECK(space_grow(range, 128 * PAGE_BYTES) == NULL); /* the kernel has the page */
    struct range large = map(513 * PAGE_BYTES);
    fill(large);
    CHECK(space_grow(large, 1026 * PAGE_BYTES) == NULL);
    CHECK(filled(range) && filled(large) && space_is_live(range) && space_is_live(large));
}

static void overhanging_unmap(void)
{
    unit_start(SMALL);
    while (space_map(MIB) != NULL)
        ;
    CHECK(space_is_live(range_of((void *)g_region.base, g_region.nbytes)));
    memset((void *)g_region.base, 1, g_region.nbytes);
    space_unmap((struct range){g_region.base - MIB, g_region.base + 3 * PAGE_BYTES});
    uintptr_t end = g_region.base + g_region.nbytes;
    space_unmap((struct range){end - PAGE_BYTES, UINTPTR_MAX - 4095});
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, region_used_pages()),
                g_region.nbytes / PAGE_BYTES - 4);
    space_unmap((struct range){end, end + MIB});
    space_unmap((struct range){0, g_region.base});
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, region_used_pages()),
                g_region.nbytes / PAGE_BYTES - 4);
    space_unmap((struct range){0, UINTPTR_MAX - 4095});
    CHECK(is_whole_region_free());
}

static void across_spans_and_twice(void)
{
    unit_start(SMALL);
    struct range spans[6];
    for (int i = 0; i < 6; i++) {
        spans[i] = map(5 * PAGE_BYTES);
        fill(spans[i]);
    }
    CHECK_EQUAL(spans[5].end - spans[0].start, 30 * PAGE_BYTES);
    for (int i = 0; i < 2; i++)
        space_unmap((struct range){part(spans[1], 2, 1).start, part(spans[4], 2, 1).start});
    CHECK(filled(spans[0]) && filled(part(spans[1], 0, 2)) && filled(spans[5]));
    CHECK(space_is_live(part(spans[4], 2, 3)));
    struct range hole = space_next_live((struct range){part(spans[1], 2, 1).start, spans[5].end});
    CHECK(hole.start == part(spans[4], 2, 1).start && hole.end == spans[5].end);
    hole = space_next_live(part(spans[2], 0, 5));
    CHECK(hole.start == hole.end);
    CHECK(!space_is_live(spans[1]) && space_is_live(spans[0]));
}

static void odd_marks(void)
{
    unit_start(SMALL);
    struct range range = map(80 * PAGE_BYTES);
    space_unmap(part(range, 20, 20));
    space_mark(PAGE_TORN, (struct range){g_region.base - MIB, part(range, 48, 1).start});
    CHECK(space_is_odd(part(range, 0, 20)) && !space_is_odd(part(range, 20, 20)));
    CHECK(space_is_odd(part(range, 47, 1)) && !space_is_odd(part(range, 48, 32)));
    fill(part(range, 0, 20));
    fill(part(range, 40, 40));
    CHECK(mprotect((void *)range.start, 20 * PAGE_BYTES, PROT_READ) == 0);
    space_mark(PAGE_TORN, (struct range){0, g_region.base});
    space_unmap(range);
    CHECK(is_whole_region_free());
    struct range again = map(80 * PAGE_BYTES);
    CHECK_EQUAL(again.start, range.start);
    CHECK(!space_is_odd(again));
    fill(again);
}

/* What the program mapped over and never touched is nothing to retain, or to clear. */
static void fixed_mapping_over_dirty_memory(void)
{
    unit_start(SMALL);
    struct range span = map(40 * PAGE_BYTES);
    fill(span);
    space_unmap(span);
    CHECK(space_map_at(span));
    CHECK_EQUAL(space_claim(span, false), CLAIM_OK);
    map_over(span);
    space_claim_end(span, false);
    size_t before = region_dirty_pages();
    space_unmap(span);
    CHECK_EQUAL(region_dirty_pages(), before);
    CHECK(space_map_at(span) && unit_is_zero((void *)span.start, span.end - span.start));
}

static void fixed_mapping_over_all_kinds(void)
{
    unit_start(SMALL);
    struct range live = map(16 * PAGE_BYTES);
    struct range cached = map(16 * PAGE_BYTES);
    struct range dirty = map(20 * PAGE_BYTES);
    fill(live);
    fill(cached);
    fill(dirty);
    space_unmap(cached);
    space_unmap(dirty);
    struct range all = {part(live, 8, 1).start, dirty.end};
    CHECK_EQUAL(space_claim(all, true), CLAIM_OCCUPIED);
    CHECK_EQUAL(space_claim(all, false), CLAIM_OK);
    map_over(all);
    space_claim_end(all, true);
    CHECK(space_is_live(all) && space_is_odd(all));
    CHECK(unit_is_zero((void *)all.start, all.end - all.start));
    CHECK(filled(part(live, 0, 8)));
    fill(all);
    /* None of it is handed out. */
    for (void *span; (span = space_map(64 * KIB)) != NULL;)
        memset(span, 2, 64 * KIB);
    for (void *span; (span = space_map(1)) != NULL;)
        memset(span, 2, PAGE_BYTES);
    CHECK(filled(all));
    space_unmap(all);
    CHECK(!space_is_odd(all) && space_map_at(all));
    CHECK(unit_is_zero((void *)all.start, all.end - all.start));
}

static void fixed_mapping_that_fails(void)
{
    unit_start(SMALL);
    struct range live = map(10 * PAGE_BYTES);
    struct range freed = map(10 * PAGE_BYTES);
    fill(live);
    fill(freed);
    space_unmap(freed);
    struct range all = {live.start, freed.end};
    CHECK_EQUAL(space_claim(all, false), CLAIM_OK);
    space_claim_undo(all, false);
    CHECK(filled(live) && space_is_live(live) && space_is_odd(live));
    CHECK(space_next_live(freed).start == space_next_live(freed).end);
    CHECK_EQUAL(map(10 * PAGE_BYTES).start, freed.start);
    space_unmap(all);
    CHECK(is_whole_region_free());
}

/* What the kernel has not touched is as plain as it was; what it has unmapped is not. */
static void failing_over_plain_memory(void)
{
    unit_start(SMALL);
    struct range live = map(10 * PAGE_BYTES);
    fill(live);
    CHECK_EQUAL(space_claim(live, false), CLAIM_OK);
    CHECK(space_is_odd(live));
    space_claim_undo(live, true);
    CHECK(filled(live) && space_is_live(live) && !space_is_odd(live));
    CHECK_EQUAL(space_claim(live, false), CLAIM_OK);
    CHECK_EQUAL(munmap((void *)live.start, PAGE_BYTES), 0);
    space_claim_undo(live, true);
    CHECK(space_is_odd(live));
    space_unmap(live);
    CHECK(is_whole_region_free());
}

static void fixed_mapping_that_overhangs(void)
{
    unit_start(SMALL);
    struct range whole = {g_region.base - 4 * PAGE_BYTES, g_region.base + 4 * PAGE_BYTES};
    CHECK_EQUAL(space_claim(whole, true), CLAIM_OK);
    space_claim_end(whole, true);
    CHECK(space_is_live(range_of((void *)g_region.base, 4 * PAGE_BYTES)));
    uintptr_t end = g_region.base + g_region.nbytes;
    struct range last = {end - PAGE_BYTES, end + PAGE_BYTES};
    CHECK_EQUAL(space_claim(last, true), CLAIM_OK);
    CHECK_EQUAL(space_claim(last, true), CLAIM_OCCUPIED);
    space_claim_undo(last, false);
    CHECK_EQUAL(space_claim(last, true), CLAIM_OK);
    CHECK_EQUAL(space_claim((struct range){end, end + MIB}, true), CLAIM_OK);
}

/* As in a signal handler that has interrupted the library. */
static void nested_calls_do_without(void)
{
    unit_start(SMALL);
    struct range range = map(30 * PAGE_BYTES);
    struct range kept = map(3 * PAGE_BYTES);
    fill(range);
    fill(kept);
    PageArena *arena = thread_enter();
    CHECK(space_map(PAGE_BYTES) == NULL);
    CHECK(!space_map_at(part(range, 0, 1)));
    space_mark(PAGE_TORN, part(range, 20, 10));
    space_unmap(range);
    space_unmap(range);
    CHECK(!space_is_live(part(range, 0, 1)) && space_is_live(kept));
    CHECK_EQUAL(space_claim(part(range, 5, 1), true), CLAIM_OK);
    space_claim_undo(part(range, 5, 1), false);
    thread_leave(arena);
    CHECK_EQUAL(map(30 * PAGE_BYTES).start, range.start);
    CHECK(filled(kept));
}

static void before_mlockall(void)
{
    unit_start(SMALL);
    struct range kept = map(16 * PAGE_BYTES);
    struct range cached = map(16 * PAGE_BYTES);
    struct range freed = map(100 * PAGE_BYTES);
    fill(kept);
    fill(cached);
    fill(freed);
    space_unmap(cached);
    space_unmap(freed);
    space_suspend();
    CHECK(g_region.nbytes < 64 * MIB);
    CHECK_EQUAL(region_dirty_pages(), 0);
    CHECK(!page_map_any(PAGE_CACHED, 0, region_used_pages()));
    CHECK(filled(kept));
    space_unmap(kept);
    CHECK(page_map_any(PAGE_LOST, region_page(kept.start), 16));
    CHECK(space_map(1) == NULL);
    space_resume();
    CHECK(space_map(1) == NULL);
}

static bool is_accessible(size_t page)
{
    static int ends[2];
    char byte;
    if (ends[1] == 0)
        CHECK(pipe(ends) == 0);
    ssize_t written = write(ends[1], region_addr(page), 1);
    return written == 1 && read(ends[0], &byte, 1) == 1;
}

/* mlockall(2) makes resident, and counts, whatever is accessible. */
static void nothing_free_can_be_locked(void)
{
    unit_start(SMALL);
    struct range kept = map(16 * PAGE_BYTES);
    struct range freed = map(20 * MIB);
    fill(kept);
    space_unmap(freed);
    space_suspend();
    for (size_t page = 0; page < region_used_pages(); page++) {
        unit_context("page %zu", page);
        CHECK_EQUAL(is_accessible(page), page_map_any(PAGE_LIVE, page, 1));
    }
}

static size_t turn;

static void wait_for_turn(size_t wanted)
{
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != wanted)
        usleep(100);
}

static void cache_beside_suspension(size_t index)
{
    if (index == 1) {
        wait_for_turn(1);
        space_suspend();
        __atomic_store_n(&turn, 2, __ATOMIC_RELEASE);
        return;
    }
    struct range cached = map(16 * PAGE_BYTES);
    space_unmap(cached);
    __atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
    wait_for_turn(2);
    void *span = space_map(16 * PAGE_BYTES);
    CHECK((uintptr_t)span != cached.start);
}

/* What another thread has in its caches is not recycled either. */
static void suspension_of_all_threads(void)
{
    unit_start(SMALL);
    unit_threads(2, cache_beside_suspension);
}

static void swapped_out_content_never_comes_back(void)
{
    unit_start(SMALL);
    fake_swap(true);
    fake_swapped_out(true);
    for (int i = 0; i < 100; i++) {
        struct range range = map((size_t)(33 + 10 * i) * PAGE_BYTES);
        fill(range);
        space_unmap(range);
    }
}

static void requests_for_the_kernel_are_counted(void)
{
    unit_start(SMALL);
    CHECK(space_map(GIB) == NULL);
    CHECK(space_map(PAGE_BYTES) != NULL);
    CHECK(space_map(GIB) == NULL);
    CHECK_EQUAL(g_page_arena->mmap_calls, 2);
    CHECK_EQUAL(g_page_arena->total_allocs, 1);
}

UNIT_MAIN(UNIT_CASE(overlaps_and_clips), UNIT_CASE(sizes_and_alignment), UNIT_CASE(exact_place),
          UNIT_CASE(exact_place_outside), UNIT_CASE(grows_by_a_copy),
          UNIT_CASE(does_not_grow_by_a_copy), UNIT_CASE(overhanging_unmap),
          UNIT_CASE(across_spans_and_twice), UNIT_CASE(odd_marks),
          UNIT_CASE(fixed_mapping_over_dirty_memory), UNIT_CASE(fixed_mapping_over_all_kinds),
          UNIT_CASE(fixed_mapping_that_fails), UNIT_CASE(failing_over_plain_memory),
          UNIT_CASE(fixed_mapping_that_overhangs), UNIT_CASE(nested_calls_do_without),
          UNIT_CASE(before_mlockall), UNIT_CASE(nothing_free_can_be_locked),
          UNIT_CASE(suspension_of_all_threads), UNIT_CASE(swapped_out_content_never_comes_back),
          UNIT_CASE(requests_for_the_kernel_are_counted))
