#include "chunk.h"

#include <string.h>

#include "budget.h"
#include "config.h"
#include "fake_kernel.h"
#include "page_map.h"
#include "region.h"
#include "router.h"
#include "thread.h"
#include "unit.h"
#include "unit_block.h"

#define SMALL "REGION=64M"
#define CHUNK_UNITS (SUPER_PAGES * PAGE_UNITS)
#define REGION_UNITS (64 * MIB / UNIT_BYTES)

/* Runs of so many units and more are given back on their own. */
#define GIVEN ((size_t)200)

/* Of the first chunk of an arena. */
#define LISTED_AT_FIRST (CHUNK_UNITS * 3 / 4)

/* An arena without a chunk. */
static PageArena *enter_empty(const char *settings)
{
    fake_huge_pages("always [madvise] never\n");
    unit_start(settings);
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    return arena;
}

/* One with a chunk of which nothing is held back, now or later. */
static PageArena *enter(const char *settings)
{
    PageArena *arena = enter_empty(settings);
    CHECK(chunk_extend(arena));
    size_t unit = arena->blocks.reserve - 1;
    size_t n = CHUNK_UNITS - unit % CHUNK_UNITS;
    g_chunks[unit / CHUNK_UNITS].sparse = false;
    arena->blocks.reserve = 0;
    arena->blocks.nunused += n;
    arena->blocks.nout += n;
    chunk_put(arena, unit, n);
    return arena;
}

static PageArena second;

static PageArena *enter_second(void)
{
    CHECK(router_init_arena(&second));
    return &second;
}

/* Not even the grant that came with a chunk is left. */
static void use_budget_up(PageArena *arena)
{
    while (budget_grant_pages(1))
        continue;
    arena->blocks.granted = 0;
}

static void have_a_budget_again(void)
{
    budget_return_pages(16 * SUPER_PAGES);
}

static size_t run_at(size_t unit)
{
    size_t starts = g_tags[unit / PAGE_UNITS].starts;
    return starts % PAGE_UNITS == unit % PAGE_UNITS ? starts / PAGE_UNITS : 0;
}

static bool chunk_is_of_heap(const BlockHeap *heap, size_t unit)
{
    return &g_chunks[unit / CHUNK_UNITS].owner->blocks == heap;
}

/* The tags, the lists and the counts of an arena say the same. Returns how many runs it lists. */
static size_t check_lists(const PageArena *arena)
{
    const BlockHeap *heap = &arena->blocks;
    size_t nruns = 0, nfree = 0;
    for (size_t bin = 0; bin < CHUNK_BINS; bin++) {
        uint32_t name = heap->bins[bin], before = 0;
        CHECK_EQUAL(heap->filled[bin / 64] >> bin % 64 & 1, name != 0);
        for (; name != 0; before = name, name = g_tags[(name - 1) / PAGE_UNITS].next) {
            size_t unit = name - 1;
            size_t n = run_at(unit);
            const struct tag *last = &g_tags[(unit + n - 1) / PAGE_UNITS];
            CHECK_EQUAL(min_size(n, CHUNK_BINS), bin + 1);
            CHECK_EQUAL(last->ends, n * PAGE_UNITS + (unit + n - 1) % PAGE_UNITS);
            CHECK_EQUAL(g_tags[unit / PAGE_UNITS].prev, before);
            CHECK_EQUAL(unit / CHUNK_UNITS, (unit + n - 1) / CHUNK_UNITS);
            nfree += n;
            nruns++;
        }
    }
    CHECK_EQUAL(heap->nfree, nfree);
    CHECK(heap->nunused <= nfree);
    if (heap->reserve != 0) {
        size_t unit = heap->reserve - 1;
        size_t npages = SUPER_PAGES - unit / PAGE_UNITS % SUPER_PAGES;
        CHECK_EQUAL(unit % PAGE_UNITS, 0);
        CHECK(unit % CHUNK_UNITS >= g_chunks[unit / CHUNK_UNITS].mark);
        CHECK(chunk_is_of_heap(heap, unit));
        CHECK_EQUAL(page_map_count(PAGE_LIVE, unit / PAGE_UNITS, npages), npages);
    }
    return nruns;
}

static size_t live_pages(void)
{
    return page_map_count(PAGE_LIVE, 0, region_used_pages());
}

static bool is_whole_region_free(void)
{
    size_t used = region_used_pages();
    return page_map_count(PAGE_FREE, 0, used) + page_map_count(PAGE_CACHED, 0, used) == used;
}

static size_t take_or_extend(PageArena *arena, size_t *n, size_t *used)
{
    size_t unit = chunk_take(arena, n, used);
    return unit == NO_UNIT && chunk_extend(arena) ? chunk_take(arena, n, used) : unit;
}

/* Exactly n units: the caller sees to it that no run is hardly longer. */
static size_t try_take(PageArena *arena, size_t n, size_t *used)
{
    size_t length = n;
    size_t unit = take_or_extend(arena, &length, used);
    CHECK_EQUAL(length, n);
    return unit;
}

static size_t take_used(PageArena *arena, size_t n, size_t used)
{
    size_t found;
    size_t unit = try_take(arena, n, &found);
    CHECK(unit != NO_UNIT);
    CHECK_EQUAL(found, used);
    CHECK_EQUAL(unit / CHUNK_UNITS, (unit + n - 1) / CHUNK_UNITS);
    check_lists(arena);
    return unit;
}

static size_t take(PageArena *arena, size_t n)
{
    size_t used;
    size_t unit = try_take(arena, n, &used);
    CHECK(unit != NO_UNIT);
    check_lists(arena);
    return unit;
}

static void put(PageArena *arena, size_t unit, size_t n)
{
    chunk_put(arena, unit, n);
    check_lists(arena);
}

static void the_shortest_that_fits(void)
{
    PageArena *arena = enter(SMALL);
    static const size_t lengths[] = {20, 12, 250, 16, 65, 129, 13};
    size_t units[7];
    for (int i = 0; i < 7; i++) {
        units[i] = take(arena, lengths[i]);
        take(arena, RUN_LEAST);
    }
    for (int i = 0; i < 7; i++)
        put(arena, units[i], lengths[i]);
    CHECK_EQUAL(check_lists(arena), 8);
    CHECK_EQUAL(take(arena, 14), units[3]);
    CHECK_EQUAL(run_at(units[3] + 14), 2);
    CHECK_EQUAL(take(arena, 12), units[1]);
    CHECK_EQUAL(take(arena, 9), units[6]);
    CHECK_EQUAL(take(arena, 8), units[0]);
    CHECK_EQUAL(run_at(units[0] + 8), 12);
    CHECK_EQUAL(take(arena, 61), units[4]);
    CHECK_EQUAL(take(arena, 66), units[5]);
    CHECK_EQUAL(take(arena, 200), units[2]);
    CHECK_EQUAL(take(arena, 10), units[0] + 8);
}

static void neighbours_join(void)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    PageArena *arena = enter(SMALL);
    for (size_t n = RUN_LEAST; n < 2 * RUN_LEAST; n++)
        for (int i = 0; i < 6; i++) {
            size_t units[5];
            for (int k = 0; k < 5; k++)
                units[k] = take(arena, n);
            for (int k = 0; k < 3; k++)
                put(arena, units[1 + orders[i][k]], n);
            CHECK_EQUAL(check_lists(arena), 2);
            CHECK_EQUAL(run_at(units[1]), 3 * n);
            CHECK_EQUAL(take(arena, 3 * n), units[1]);
            put(arena, units[1], 3 * n);
            put(arena, units[0], n);
            put(arena, units[4], n);
            CHECK_EQUAL(check_lists(arena), 1);
            CHECK_EQUAL(arena->blocks.nout, 0);
        }
}

static void put_back_in_parts(void)
{
    PageArena *arena = enter(SMALL);
    size_t unit = take(arena, 40);
    put(arena, unit + 10, 20);
    CHECK_EQUAL(run_at(unit + 10), 20);
    put(arena, unit + 30, 10);
    put(arena, unit, 10);
    CHECK_EQUAL(run_at(unit), CHUNK_UNITS);
}

static void chunks_do_not_join(void)
{
    PageArena *arena = enter(SMALL);
    size_t units[2 * CHUNK_UNITS / RUN_MOST];
    size_t count = sizeof units / sizeof *units;
    for (size_t i = 0; i < count; i++)
        units[i] = take(arena, RUN_MOST);
    size_t last = units[count / 2 - 1], first = units[count / 2];
    CHECK_EQUAL(first % CHUNK_UNITS, 0);
    CHECK_EQUAL(last + RUN_MOST, first);
    put(arena, last, RUN_MOST);
    put(arena, first, RUN_MOST);
    CHECK_EQUAL(run_at(last), RUN_MOST);
    CHECK_EQUAL(run_at(first), RUN_MOST);
    CHECK(!chunk_take_at(arena, first, RUN_LEAST));
    CHECK(chunk_take_at(arena, last, RUN_MOST));
    put(arena, last, RUN_MOST);
    CHECK_EQUAL(run_at(last), RUN_MOST);
    CHECK_EQUAL(run_at(first), RUN_MOST);
    for (size_t i = 0; i < count; i++)
        if (units[i] != last && units[i] != first)
            put(arena, units[i], RUN_MOST);
    CHECK_EQUAL(check_lists(arena), 1);
    CHECK_EQUAL(run_at(units[0]), CHUNK_UNITS);
}

/* Of the long runs one that was used before is taken, though another was put back later. */
static void used_before_unused(void)
{
    PageArena *arena = enter(SMALL);
    size_t units[CHUNK_UNITS / RUN_MOST + 2];
    size_t count = sizeof units / sizeof *units;
    for (size_t i = 0; i < count; i++)
        units[i] = take(arena, RUN_MOST);
    for (size_t i = 0; i < count - 2; i++)
        put(arena, units[i], RUN_MOST);
    put(arena, units[count - 1], RUN_MOST);
    for (size_t i = 0; i < count - 2; i++) {
        CHECK_EQUAL(take(arena, RUN_MOST) / CHUNK_UNITS, units[0] / CHUNK_UNITS);
        CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - 2 * RUN_MOST);
    }
    CHECK_EQUAL(take(arena, RUN_MOST), units[count - 1]);
}

static void taken_where_it_is(void)
{
    PageArena *arena = enter(SMALL);
    size_t unit = take(arena, 12);
    size_t middle = take(arena, 20);
    size_t behind = take(arena, 8);
    CHECK(!chunk_take_at(arena, unit + 12, 1));
    put(arena, middle, 20);
    CHECK(!chunk_take_at(arena, unit + 12, 21));
    CHECK(!chunk_take_at(arena, unit + 13, 1));
    CHECK(chunk_take_at(arena, unit + 12, 5));
    CHECK_EQUAL(run_at(middle + 5), 15);
    check_lists(arena);
    CHECK(chunk_take_at(arena, unit + 17, 15));
    check_lists(arena);
    put(arena, unit, 32);
    CHECK_EQUAL(run_at(unit), 32);
    /* What was never used is then. */
    CHECK(chunk_take_at(arena, behind + 8, 30));
    check_lists(arena);
    put(arena, behind, 38);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - 70);
    CHECK_EQUAL(take_used(arena, 71, 70), unit);
}

static void the_mark(void)
{
    PageArena *arena = enter(SMALL);
    size_t unit = take_used(arena, 20, 0);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - 20);
    put(arena, unit, 20);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - 20);
    CHECK_EQUAL(take_used(arena, 12, 12), unit);
    CHECK_EQUAL(take_used(arena, 12, 8), unit + 12);
    CHECK_EQUAL(take_used(arena, 12, 0), unit + 24);
    put(arena, unit + 12, 12);
    CHECK_EQUAL(take_used(arena, 12, 12), unit + 12);
    put(arena, unit, 12);
    put(arena, unit + 12, 24);
    CHECK_EQUAL(take_used(arena, 100, 36), unit);
    put(arena, unit, 100);
    /* What the region retained in a chunk counts as used. */
    chunk_flush(arena);
    CHECK_EQUAL(check_lists(arena), 0);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, region_used_pages()), pages_for(100 * UNIT_BYTES));
    CHECK_EQUAL(take_used(arena, 20, 20), unit);
    CHECK_EQUAL(arena->blocks.nunused, LISTED_AT_FIRST - pages_for(100 * UNIT_BYTES) * PAGE_UNITS);
}

static void long_runs_are_given_back(void)
{
    PageArena *arena = enter(SMALL);
    size_t unit = take(arena, GIVEN);
    size_t first = unit / PAGE_UNITS;
    take(arena, 8);
    size_t middle = take(arena, 64);
    size_t behind = take(arena, 8);
    use_budget_up(arena);
    put(arena, middle, 64);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, first, SUPER_PAGES), SUPER_PAGES);
    CHECK_EQUAL(run_at(middle), 64);
    put(arena, unit, GIVEN);
    CHECK_EQUAL(page_map_count(PAGE_FREE, first, GIVEN / PAGE_UNITS), GIVEN / PAGE_UNITS);
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, first, GIVEN / PAGE_UNITS), GIVEN / PAGE_UNITS);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, first, SUPER_PAGES), SUPER_PAGES - GIVEN / PAGE_UNITS);
    put(arena, unit + GIVEN, 8);
    CHECK_EQUAL(run_at(unit + GIVEN), 72);
    /* What was never used stays. */
    put(arena, behind, 8);
    CHECK_EQUAL(check_lists(arena), 1);
    CHECK_EQUAL(run_at(unit + GIVEN + 80), CHUNK_UNITS - GIVEN - 80);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - GIVEN - 80);
    CHECK_EQUAL(page_map_count(PAGE_FREE, first, SUPER_PAGES), (GIVEN + 80) / PAGE_UNITS);
    CHECK_EQUAL(take_used(arena, 10, 0), unit + GIVEN + 80);
    put(arena, unit + GIVEN + 80, 10);
    chunk_flush(arena);
    CHECK_EQUAL(check_lists(arena), 0);
    CHECK(is_whole_region_free());
}

/* The edges of what is given stay, as far as they share their pages. */
static void edges_stay(void)
{
    PageArena *arena = enter(SMALL);
    size_t before = take(arena, 12);
    size_t unit = take(arena, GIVEN);
    size_t behind = take(arena, 12);
    size_t last = take(arena, 8);
    use_budget_up(arena);
    put(arena, unit, GIVEN);
    CHECK_EQUAL(run_at(unit), 4);
    CHECK_EQUAL(run_at(align_down(unit + GIVEN, PAGE_UNITS)), 4);
    CHECK_EQUAL(page_map_count(PAGE_FREE, unit / PAGE_UNITS, 28), (GIVEN - 8) / PAGE_UNITS);
    put(arena, before, 12);
    CHECK_EQUAL(page_map_count(PAGE_FREE, before / PAGE_UNITS, 2), 2);
    put(arena, last, 8);
    put(arena, behind, 12);
    CHECK(is_whole_region_free() || check_lists(arena) == 1);
    chunk_flush(arena);
    CHECK(is_whole_region_free());
}

static void put_between(size_t shift, size_t left)
{
    PageArena *arena = enter(SMALL);
    size_t before = take(arena, GIVEN + shift);
    size_t middle = take(arena, 16);
    size_t behind = take(arena, GIVEN - shift);
    take(arena, 8);
    size_t page = before / PAGE_UNITS;
    use_budget_up(arena);
    put(arena, before, GIVEN + shift);
    put(arena, behind, GIVEN - shift);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, page, 52), left);
    put(arena, middle, 16);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, page, 52), 0);
    CHECK_EQUAL(check_lists(arena), 1);
}

static void what_is_alone_is_given_back(void)
{
    put_between(0, 2);
}

static void what_is_alone_with_edges_is_given_back(void)
{
    put_between(4, 3);
}

static void what_is_not_alone_stays(void)
{
    PageArena *arena = enter(SMALL);
    size_t before = take(arena, GIVEN);
    size_t middle = take(arena, 16);
    size_t other = take(arena, 16);
    take(arena, 8);
    use_budget_up(arena);
    put(arena, before, GIVEN);
    put(arena, middle, 16);
    CHECK_EQUAL(run_at(middle), 16);
    put(arena, other, 16);
    CHECK_EQUAL(run_at(middle), 32);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, middle / PAGE_UNITS, 4), 4);
}

/* The last page of a chunk was used in part only: the rest of it is not counted for ever. */
static void the_mark_in_the_last_page(void)
{
    PageArena *arena = enter(SMALL);
    size_t guard = take(arena, 8);
    use_budget_up(arena);
    for (size_t left = CHUNK_UNITS - 8 - 3; left != 0;) {
        size_t n = left >= 2 * RUN_MOST ? RUN_MOST : left >= 2 * RUN_LEAST ? RUN_LEAST : left;
        take(arena, n);
        left -= n;
    }
    CHECK_EQUAL(arena->blocks.nunused, 3);
    chunk_put(arena, guard + 8, CHUNK_UNITS - 8 - 3);
    check_lists(arena);
    CHECK_EQUAL(arena->blocks.nunused, 0);
    CHECK_EQUAL(arena->blocks.nfree, 0);
    put(arena, guard, 8);
    CHECK_EQUAL(arena->blocks.nfree, 0);
    CHECK(is_whole_region_free());
}

/* A run is given up to the mark, which is in the middle of a page. */
static void the_mark_inside_a_page(void)
{
    PageArena *arena = enter(SMALL);
    size_t unit = take(arena, 16);
    use_budget_up(arena);
    take(arena, GIVEN - 1);
    put(arena, unit + 16, GIVEN - 1);
    CHECK_EQUAL(run_at(unit + 16 + GIVEN), CHUNK_UNITS - 16 - GIVEN);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - 16 - GIVEN);
    CHECK_EQUAL(arena->blocks.nfree, arena->blocks.nunused);
    CHECK_EQUAL(take_used(arena, 8, 0), unit + 16 + GIVEN);
}

/* Before another chunk is taken, but for what others have by then. */
static void what_was_given_comes_back(void)
{
    PageArena *arena = enter(SMALL);
    size_t units[10];
    for (int i = 0; i < 10; i++) {
        units[i] = take(arena, GIVEN);
        take(arena, 8);
    }
    while (arena->blocks.nfree != 0)
        take(arena, min_size(arena->blocks.nfree, RUN_MOST));
    use_budget_up(arena);
    for (int i = 0; i < 10; i++)
        put(arena, units[i], GIVEN);
    CHECK_EQUAL(live_pages(), SUPER_PAGES - 10 * GIVEN / PAGE_UNITS);
    size_t others = units[3] / PAGE_UNITS;
    CHECK(router_map_at(arena, others, 2, 0));
    unit_fill(region_addr(others), 2 * PAGE_BYTES, 1);

    size_t used;
    CHECK_EQUAL(try_take(arena, GIVEN, &used), NO_UNIT);
    have_a_budget_again();
    for (int i = 0; i < 10; i++) {
        size_t unit = take_used(arena, i == 9 ? GIVEN - 16 : GIVEN, i == 9 ? GIVEN - 16 : GIVEN);
        CHECK_EQUAL(unit / CHUNK_UNITS, units[0] / CHUNK_UNITS);
    }
    CHECK_EQUAL(live_pages(), SUPER_PAGES);
    CHECK(unit_filled(region_addr(others), 2 * PAGE_BYTES, 1));
    CHECK(take(arena, RUN_MOST) / CHUNK_UNITS != units[0] / CHUNK_UNITS);
}

/* What the program has unmapped of a block that is out. */
static void what_was_unmapped_does_not_come_back(void)
{
    PageArena *arena = enter(SMALL);
    size_t given = take(arena, GIVEN);
    take(arena, 8);
    size_t out = take(arena, GIVEN);
    while (arena->blocks.nfree != 0)
        take(arena, min_size(arena->blocks.nfree, RUN_MOST));
    size_t first = align_up(out, PAGE_UNITS) / PAGE_UNITS;
    unit_block_of(arena, out, GIVEN);
    page_map_clear(PAGE_LIVE, first + 2, 3);
    region_free(first + 2, 3);
    use_budget_up(arena);
    put(arena, given, GIVEN);
    have_a_budget_again();
    CHECK_EQUAL(take(arena, GIVEN - 16) / CHUNK_UNITS, given / CHUNK_UNITS);
    CHECK_EQUAL(page_map_count(PAGE_FREE, first + 2, 3), 3);
}

/* A superblock that went to the region as a whole may be another's chunk by now, of which a part was given. */
static void what_is_anothers_does_not_come_back(void)
{
    PageArena *arena = enter(SMALL);
    PageArena *other = enter_second();
    size_t unit = take(arena, GIVEN);
    put(arena, unit, GIVEN);
    chunk_flush(arena);
    CHECK_EQUAL(take(other, GIVEN), unit);
    size_t end = take(other, GIVEN);
    use_budget_up(other);
    put(other, unit, GIVEN);
    CHECK(!page_map_any(PAGE_LIVE, unit / PAGE_UNITS, GIVEN / PAGE_UNITS));
    have_a_budget_again();
    CHECK(take(arena, GIVEN) / CHUNK_UNITS != unit / CHUNK_UNITS);
    put(other, end, GIVEN);
    check_lists(arena);
}

static void kept_within_the_budget(void)
{
    PageArena *arena = enter_empty(SMALL " WARM_2M=4");
    size_t units[10];
    size_t before = budget_region_pages();
    for (int i = 0; i < 10; i++) {
        units[i] = take(arena, GIVEN);
        take(arena, 8);
    }
    for (int i = 0; i < 10; i++)
        put(arena, units[i], GIVEN);
    CHECK_EQUAL(live_pages(), SUPER_PAGES);
    CHECK_EQUAL(arena->blocks.nfree - arena->blocks.nunused, 10 * GIVEN);
    CHECK(arena->blocks.granted >= 10 * GIVEN);
    CHECK(arena->blocks.granted < 10 * GIVEN + SUPER_PAGES);
    CHECK_EQUAL(budget_region_pages(), before - arena->blocks.granted / PAGE_UNITS);
    chunk_flush(arena);
    CHECK_EQUAL(arena->blocks.granted, 0);
    CHECK_EQUAL(budget_region_pages(), before);
    CHECK_EQUAL(live_pages(), 10);
}

static void whole_chunks_are_given_back(void)
{
    PageArena *arena = enter(SMALL);
    size_t units[4 * CHUNK_UNITS / RUN_MOST];
    size_t count = sizeof units / sizeof *units;
    for (size_t i = 0; i < count; i++)
        units[i] = take(arena, RUN_MOST);
    CHECK_EQUAL(live_pages(), 4 * SUPER_PAGES);
    for (size_t i = 0; i < count; i++)
        put(arena, units[i], RUN_MOST);
    CHECK_EQUAL(live_pages(), SUPER_PAGES);
    CHECK_EQUAL(arena->blocks.nfree, CHUNK_UNITS);
    CHECK_EQUAL(run_at(min_size(units[0], units[count - 1])), CHUNK_UNITS);
    chunk_flush(arena);
    CHECK(is_whole_region_free());
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, region_used_pages()), 4 * SUPER_PAGES);
}

/* Takes all that an arena lists, but for what is shorter. Returns the last. */
static size_t take_all_listed(PageArena *arena, size_t n)
{
    size_t last = NO_UNIT, used, unit, length = n;
    while ((unit = chunk_take(arena, &length, &used)) != NO_UNIT) {
        last = unit;
        length = n;
    }
    check_lists(arena);
    return last;
}

/* The first chunk of an arena, all of it that is listed taken, then another, and a fifteenth of both put back. */
static PageArena *enter_churning(size_t *second_chunk)
{
    PageArena *arena = enter_empty(SMALL);
    size_t first = take(arena, RUN_MOST) / CHUNK_UNITS;
    take_all_listed(arena, RUN_MOST);
    CHECK_EQUAL(arena->blocks.nout, LISTED_AT_FIRST);
    CHECK_EQUAL(arena->blocks.reserve - 1, first * CHUNK_UNITS + LISTED_AT_FIRST);
    /* What grows takes another. */
    *second_chunk = take(arena, RUN_MOST) / CHUNK_UNITS;
    CHECK(*second_chunk != first);
    take_all_listed(arena, RUN_MOST);
    CHECK_EQUAL(arena->blocks.nout, LISTED_AT_FIRST + CHUNK_UNITS);
    CHECK_EQUAL(arena->blocks.nunused, 0);
    for (size_t i = 0; i < LISTED_AT_FIRST + CHUNK_UNITS; i += RUN_MOST)
        put(arena, first * CHUNK_UNITS + i + (i >= LISTED_AT_FIRST ? CHUNK_UNITS / 4 : 0), 17);
    return arena;
}

/* What comes and goes, and finds nothing that fits. */
static void the_reserve(void)
{
    size_t second_chunk;
    PageArena *arena = enter_churning(&second_chunk);
    size_t unit = take_used(arena, 100, 0);
    CHECK_EQUAL(unit % CHUNK_UNITS, LISTED_AT_FIRST);
    CHECK_EQUAL(arena->blocks.reserve, 0);
    CHECK_EQUAL(live_pages(), 2 * SUPER_PAGES);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - LISTED_AT_FIRST - 100);
    put(arena, unit, 100);
    CHECK_EQUAL(run_at(unit), CHUNK_UNITS - LISTED_AT_FIRST);
}

/* Once the chunk is free as a whole, what was not used is held back again. */
static void the_reserve_is_held_back_again(void)
{
    PageArena *arena = enter_empty(SMALL);
    size_t unit = take(arena, 20);
    use_budget_up(arena);
    take_all_listed(arena, 200);
    /* There is nothing else. */
    size_t last = take(arena, 200);
    size_t first = align_down(unit, CHUNK_UNITS);
    CHECK_EQUAL(arena->blocks.reserve, 0);
    CHECK(last % CHUNK_UNITS + 200 > LISTED_AT_FIRST);
    CHECK(last % CHUNK_UNITS + 200 < CHUNK_UNITS - PAGE_UNITS);
    size_t mark = g_chunks[unit / CHUNK_UNITS].mark;
    have_a_budget_again();
    CHECK_EQUAL(last + 200, first + mark);
    put(arena, unit, mark);
    CHECK_EQUAL(arena->blocks.reserve - 1, first + align_up(mark, PAGE_UNITS));
    CHECK_EQUAL(run_at(unit), align_up(mark, PAGE_UNITS));
    CHECK_EQUAL(arena->blocks.nout, 0);
    CHECK_EQUAL(arena->blocks.nfree - arena->blocks.nunused, mark);
    chunk_flush(arena);
    CHECK_EQUAL(arena->blocks.reserve, 0);
    CHECK(is_whole_region_free());
    CHECK_EQUAL(page_map_count(PAGE_DIRTY, 0, region_used_pages()),
                align_up(mark, PAGE_UNITS) / PAGE_UNITS);
}

/* Of a heap of several chunks that of which only a little was used is held back but for that. */
static void little_was_used(void)
{
    size_t second_chunk;
    PageArena *arena = enter_churning(&second_chunk);
    size_t unit = take_used(arena, 100, 0);
    size_t first = align_down(unit, CHUNK_UNITS);
    while (arena->blocks.nunused >= RUN_MOST)
        take(arena, RUN_MOST);
    /* The third. */
    size_t little = take_used(arena, 200, 0);
    CHECK_EQUAL(little % CHUNK_UNITS, 0);
    CHECK_EQUAL(arena->blocks.reserve - 1, little + LISTED_AT_FIRST);
    put(arena, little, 200);
    CHECK_EQUAL(arena->blocks.reserve - 1, little + 200);
    CHECK_EQUAL(run_at(little), 200);
    CHECK(first != little);
    /* What goes to the region goes with it. */
    use_budget_up(arena);
    CHECK(chunk_own(arena, little, &(PageArena *){NULL}));
    chunk_flush(arena);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, little / PAGE_UNITS, SUPER_PAGES), 0);
}

/* Small pages everywhere are faulted in one by one anyhow, and huge ones are touched already. */
static void no_reserve(const char *settings)
{
    PageArena *arena = enter_empty(settings);
    CHECK_EQUAL(run_at(take(arena, 20) + 20), CHUNK_UNITS - 20);
    CHECK_EQUAL(arena->blocks.reserve, 0);
}

static void no_reserve_without_huge_pages(void)
{
    no_reserve(SMALL " THP=never");
}

static void no_reserve_of_huge_pages(void)
{
    no_reserve(SMALL " THP=always");
}

/* A long run that is given back, and is all of a chunk but its reserve, goes with that. */
static void given_back_with_the_reserve(void)
{
    PageArena *arena = enter_empty(SMALL);
    size_t unit = take(arena, RUN_MOST);
    take_all_listed(arena, RUN_MOST);
    size_t other = take(arena, RUN_MOST);
    CHECK(other / CHUNK_UNITS != unit / CHUNK_UNITS);
    put(arena, align_down(unit, CHUNK_UNITS), LISTED_AT_FIRST);
    CHECK(arena->blocks.reserve != 0);
    CHECK_EQUAL(chunk_decay(arena), 0);
    CHECK_EQUAL(chunk_decay(arena), LISTED_AT_FIRST / PAGE_UNITS);
    check_lists(arena);
    CHECK_EQUAL(arena->blocks.reserve, 0);
    CHECK_EQUAL(arena->blocks.nunused, CHUNK_UNITS - RUN_MOST);
    CHECK_EQUAL(page_map_count(PAGE_FREE, unit / CHUNK_UNITS * SUPER_PAGES, SUPER_PAGES),
                SUPER_PAGES);
}

/* What the region retains is taken before the reserve, which would be touched. */
static void what_is_retained_before_the_reserve(void)
{
    size_t second_chunk;
    PageArena *arena = enter_churning(&second_chunk);
    size_t page = region_alloc(SUPER_PAGES, __builtin_ctzl(SUPER_PAGES));
    CHECK(page != NO_PAGE);
    page_map_set(PAGE_DIRTY, page, SUPER_PAGES);
    region_free(page, SUPER_PAGES);
    CHECK_EQUAL(take_used(arena, 100, 100), page * PAGE_UNITS);
    CHECK(arena->blocks.reserve != 0);
}

/* Whoever adopts a chunk has all of it. */
static void the_reserve_is_adopted(void)
{
    PageArena *arena = enter_empty(SMALL);
    PageArena *owner;
    enter_second();
    size_t unit = take(arena, 20);
    CHECK(arena->blocks.reserve != 0);
    chunk_abandon(arena, true);
    CHECK(chunk_own(&second, unit, &owner));
    CHECK_EQUAL(second.blocks.reserve, 0);
    CHECK_EQUAL(run_at(unit + 20), CHUNK_UNITS - 20);
    CHECK_EQUAL(second.blocks.nunused, CHUNK_UNITS - 20);
}

static void owners(void)
{
    PageArena *arena = enter(SMALL);
    PageArena *owner;
    enter_second();
    size_t unit = take(arena, 20);
    CHECK(chunk_own(arena, unit, &owner));
    CHECK(!chunk_own(&second, unit, &owner) && owner == arena);
    CHECK(!chunk_own(NULL, unit, &owner) && owner == arena);
    chunk_abandon(arena, false);
    CHECK(!chunk_own(&second, unit, &owner) && owner == NULL);
    CHECK(!chunk_own(NULL, unit, &owner) && owner == NULL);
    size_t other = take(arena, 20);
    CHECK(other / CHUNK_UNITS != unit / CHUNK_UNITS);
    chunk_flush(arena);
    chunk_abandon(arena, true);
    CHECK(!chunk_own(NULL, other, &owner) && owner == NULL);
    CHECK(chunk_own(&second, other, &owner));
    CHECK(!chunk_own(arena, other, &owner) && owner == &second);
}

static void adopted_with_its_free_runs(void)
{
    PageArena *arena = enter(SMALL);
    PageArena *owner;
    enter_second();
    size_t units[5];
    for (int i = 0; i < 5; i++)
        units[i] = take(arena, 12);
    put(arena, units[1], 12);
    put(arena, units[3], 12);
    size_t other = 0;
    for (size_t i = 0; i < CHUNK_UNITS / RUN_MOST; i++)
        other = take(arena, RUN_MOST);
    CHECK(other / CHUNK_UNITS != units[0] / CHUNK_UNITS);
    chunk_abandon(arena, true);
    CHECK_EQUAL(check_lists(arena), 0);
    CHECK(chunk_own(&second, units[0], &owner));
    CHECK_EQUAL(check_lists(&second), 3);
    CHECK_EQUAL(run_at(units[1]), 12);
    put(&second, units[2], 12);
    CHECK_EQUAL(take_used(&second, 36, 36), units[1]);
    CHECK(chunk_own(&second, other, &owner));
    CHECK(!chunk_own(arena, other, &owner) && owner == &second);
    put(&second, units[1], 36);
    put(&second, units[0], 12);
    put(&second, units[4], 12);
    chunk_flush(&second);
    check_lists(&second);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, units[0] / PAGE_UNITS, 7), 0);
}

/* A chunk that was never used to its end is adopted: what was not used is not kept. */
static void adopted_with_its_mark(void)
{
    PageArena *arena = enter(SMALL);
    PageArena *owner;
    enter_second();
    size_t unit = take(arena, 20);
    chunk_abandon(arena, true);
    CHECK(chunk_own(&second, unit, &owner));
    CHECK_EQUAL(second.blocks.nunused, CHUNK_UNITS - 20);
    CHECK_EQUAL(take_used(&second, 10, 0), unit + 20);
    put(&second, unit + 20, 10);
    put(&second, unit, 20);
    CHECK_EQUAL(second.blocks.nfree - second.blocks.nunused, 30);
}

static void suspended(void)
{
    PageArena *arena = enter(SMALL);
    size_t unit = take(arena, GIVEN);
    size_t behind = take(arena, 8);
    router_suspend(true);
    put(arena, unit, GIVEN);
    CHECK_EQUAL(page_map_count(PAGE_LOST, unit / PAGE_UNITS, GIVEN / PAGE_UNITS),
                GIVEN / PAGE_UNITS);
    put(arena, behind, 8);
    CHECK_EQUAL(page_map_count(PAGE_LOST, behind / PAGE_UNITS, 1), 1);
    size_t used;
    for (size_t i = 0; i < CHUNK_UNITS / RUN_MOST; i++)
        try_take(arena, RUN_MOST, &used);
    CHECK_EQUAL(try_take(arena, RUN_MOST, &used), NO_UNIT);
    check_lists(arena);
}

static void no_memory(void)
{
    PageArena *arena = enter(SMALL);
    static size_t units[REGION_UNITS / RUN_MOST + 1];
    size_t count = 0;
    size_t used;
    while ((units[count] = try_take(arena, RUN_MOST, &used)) != NO_UNIT)
        CHECK(++count <= REGION_UNITS / RUN_MOST);
    CHECK(count >= REGION_UNITS / RUN_MOST - CHUNK_UNITS / RUN_MOST);
    check_lists(arena);
    /* Asking again and again takes no more grants. */
    size_t granted = arena->blocks.granted;
    CHECK(!chunk_extend(arena));
    CHECK_EQUAL(arena->blocks.granted, granted);
    while (count-- != 0)
        put(arena, units[count], RUN_MOST);
    chunk_flush(arena);
    CHECK(is_whole_region_free());
}

/*
 * At random, against a model of the units: whose each is, and whether it was in use since the region
 * handed its page out.
 */
#define NRUNS 400

struct owned {
    size_t unit;
    size_t n;
};

static struct owned owned[NRUNS];
static size_t nowned;
static bool is_live[REGION_UNITS];
static bool was_used[REGION_UNITS];
static struct unit_random dice;

static size_t below(size_t bound)
{
    return unit_random_below(&dice, bound);
}

static void set_live(size_t unit, size_t n, bool live)
{
    for (size_t i = unit; i < unit + n; i++) {
        CHECK_EQUAL(is_live[i], !live);
        is_live[i] = live;
        was_used[i] |= live;
        if (live)
            unit_fill((char *)region_addr(0) + i * UNIT_BYTES, 16, 1);
    }
}

/* Used pages that went back to the region are dirty or zero there; no page of a live run does. */
static void check_pages(size_t chunk)
{
    for (size_t page = chunk * SUPER_PAGES; page < (chunk + 1) * SUPER_PAGES; page++) {
        bool live = page_map_any(PAGE_LIVE, page, 1);
        bool dirty = page_map_any(PAGE_DIRTY, page, 1);
        for (size_t unit = page * PAGE_UNITS; unit < (page + 1) * PAGE_UNITS; unit++) {
            CHECK(live || !is_live[unit]);
            CHECK(live || dirty || !was_used[unit] || unit_is_zero(region_addr(page), PAGE_BYTES));
            was_used[unit] &= live;
        }
    }
}

static size_t any_length(void)
{
    return below(4) == 0 ? RUN_LEAST + below(RUN_MOST - RUN_LEAST + 1) : RUN_LEAST + below(40);
}

static void take_at_random(PageArena *arena)
{
    size_t wanted = any_length();
    size_t n = wanted;
    size_t used;
    size_t unit = take_or_extend(arena, &n, &used);
    if (unit == NO_UNIT)
        return;
    CHECK(n >= wanted && n <= wanted + wanted / 16 && used <= n);
    for (size_t i = used; i < n; i++)
        CHECK(!was_used[unit + i]);
    set_live(unit, n, true);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, unit / PAGE_UNITS, 1), 1);
    owned[nowned++] = (struct owned){unit, n};
}

/* All of a run, or its end. */
static void put_at_random(PageArena *arena)
{
    struct owned *run = &owned[below(nowned)];
    PageArena *owner;
    size_t kept = below(3) == 0 && run->n >= 2 * RUN_LEAST ? RUN_LEAST : 0;
    size_t unit = run->unit + kept;
    CHECK(chunk_own(arena, unit, &owner));
    set_live(unit, run->n - kept, false);
    chunk_put(arena, unit, run->n - kept);
    check_pages(unit / CHUNK_UNITS);
    if (kept != 0)
        run->n = kept;
    else
        *run = owned[--nowned];
}

static void lengthen_at_random(PageArena *arena)
{
    struct owned *run = &owned[below(nowned)];
    PageArena *owner;
    size_t end = run->unit + run->n;
    size_t n = 1 + below(20);
    CHECK(chunk_own(arena, run->unit, &owner));
    if (run->n + n > RUN_MOST || !chunk_take_at(arena, end, n))
        return;
    CHECK_EQUAL(run->unit / CHUNK_UNITS, (end + n - 1) / CHUNK_UNITS);
    set_live(end, n, true);
    run->n += n;
}

static void flush(PageArena *arena)
{
    chunk_flush(arena);
    check_lists(arena);
    for (size_t chunk = 0; chunk < region_used_pages() / SUPER_PAGES; chunk++)
        check_pages(chunk);
}

/* Now and then the arenas take turns. */
static PageArena *hand_over(PageArena *arena, PageArena *other)
{
    flush(arena);
    chunk_abandon(arena, true);
    check_lists(arena);
    return other;
}

static void drive(const char *settings, bool scarce, bool changes, size_t most,
                  uint64_t standard_seed)
{
    PageArena *arenas[] = {enter_empty(settings), enter_second()};
    PageArena *arena = arenas[0];
    uint64_t seed = unit_seed(standard_seed);
    dice = unit_random_seeded(seed);
    if (scarce)
        use_budget_up(arena);
    for (size_t i = 0, end = unit_steps(UNIT_TSAN ? 3000 : 30000); i < end; i++) {
        if (changes && i % 500 == 0)
            i % 1000 == 0 ? use_budget_up(arena) : have_a_budget_again();
        unit_context("UNIT_SEED=%lu, step %zu of %zu", seed, i, end);
        size_t kind = below(1000);
        if (nowned == 0 || (kind < 480 && nowned < most))
            take_at_random(arena);
        else if (kind < 850 || nowned == most)
            put_at_random(arena);
        else if (kind < 990)
            lengthen_at_random(arena);
        else if (kind < 997)
            flush(arena);
        else
            arena = hand_over(arena, arenas[arena == arenas[0]]);
        check_lists(arena);
    }
    while (nowned != 0)
        put_at_random(arena);
    chunk_flush(arena);
    CHECK_EQUAL(check_lists(arena), 0);
    CHECK_EQUAL(arena->blocks.nunused, 0);
    CHECK(is_whole_region_free());
}

static void random_runs(void)
{
    drive(SMALL, false, false, NRUNS, 1);
}

static void random_runs_with_nothing_kept(void)
{
    drive(SMALL, true, false, NRUNS, 2);
}

static void few_random_runs_with_nothing_kept(void)
{
    drive(SMALL, true, false, 30, 3);
}

static void random_runs_kept_at_times(void)
{
    drive(SMALL, false, true, NRUNS, 4);
}

UNIT_MAIN(UNIT_CASE(the_shortest_that_fits), UNIT_CASE(neighbours_join),
          UNIT_CASE(put_back_in_parts), UNIT_CASE(chunks_do_not_join),
          UNIT_CASE(used_before_unused), UNIT_CASE(taken_where_it_is), UNIT_CASE(the_mark),
          UNIT_CASE(what_was_given_comes_back), UNIT_CASE(what_was_unmapped_does_not_come_back),
          UNIT_CASE(what_is_anothers_does_not_come_back), UNIT_CASE(random_runs_kept_at_times),
          UNIT_CASE(long_runs_are_given_back), UNIT_CASE(edges_stay),
          UNIT_CASE(what_is_alone_is_given_back), UNIT_CASE(what_is_alone_with_edges_is_given_back),
          UNIT_CASE(what_is_not_alone_stays), UNIT_CASE(the_mark_in_the_last_page),
          UNIT_CASE(the_mark_inside_a_page), UNIT_CASE(kept_within_the_budget),
          UNIT_CASE(whole_chunks_are_given_back), UNIT_CASE(the_reserve),
          UNIT_CASE(the_reserve_is_held_back_again), UNIT_CASE(little_was_used),
          UNIT_CASE(no_reserve_without_huge_pages), UNIT_CASE(no_reserve_of_huge_pages),
          UNIT_CASE(given_back_with_the_reserve), UNIT_CASE(what_is_retained_before_the_reserve),
          UNIT_CASE(the_reserve_is_adopted), UNIT_CASE(owners),
          UNIT_CASE(adopted_with_its_free_runs), UNIT_CASE(adopted_with_its_mark),
          UNIT_CASE(suspended), UNIT_CASE(no_memory), UNIT_CASE(random_runs),
          UNIT_CASE(random_runs_with_nothing_kept), UNIT_CASE(few_random_runs_with_nothing_kept))
