#include "quick.h"

#include "block.h"
#include "budget.h"
#include "decay.h"
#include "fake_kernel.h"
#include "odd.h"
#include "region.h"
#include "space.h"
#include "thread.h"
#include "unit.h"
#include "unit_block.h"

/* Bytes of n units. */
#define UNITS(n) ((n)*UNIT_BYTES)

/* So many blocks of 64 units are out, of which half may be kept. */
#define NBLOCKS 96
static void *blocks[NBLOCKS];

static PageArena *enter(void)
{
    fake_huge_pages("always [madvise] never\n");
    unit_start("REGION=64M");
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    for (int i = 0; i < NBLOCKS; i++)
        blocks[i] = block_alloc(arena, UNITS(64), 1, false);
    CHECK(blocks[NBLOCKS - 1] != NULL);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    return arena;
}

/* A block of n units that lies between others. */
static void *between(PageArena *arena, size_t n)
{
    void *block = block_alloc(arena, UNITS(n), 1, false);
    CHECK(block != NULL && block_alloc(arena, UNITS(8), 1, false) != NULL);
    return block;
}

/* Frees a block of n units, which is kept. */
static void keep(PageArena *arena, void *block, size_t n)
{
    size_t before = arena->blocks.nquick;
    CHECK_EQUAL(block_free(arena, block), UNITS(n));
    CHECK_EQUAL(arena->blocks.nquick, before + n);
}

static void as_it_was(void)
{
    PageArena *arena = enter();
    void *first = between(arena, 40);
    void *second = between(arena, 40);
    keep(arena, first, 40);
    keep(arena, second, 40);
    CHECK_EQUAL(block_bytes(second), 0);
    CHECK_EQUAL(block_free(arena, second), 0);
    CHECK(block_alloc(arena, UNITS(40), 1, false) == second);
    CHECK(block_alloc(arena, UNITS(40), 1, false) == first);
    CHECK_EQUAL(arena->blocks.nquick, 0);
}

static void the_shortest_that_is_hardly_too_long(void)
{
    PageArena *arena = enter();
    void *longer = between(arena, 66);
    void *longest = between(arena, 68);
    void *shorter = between(arena, 60);
    keep(arena, longest, 68);
    keep(arena, longer, 66);
    keep(arena, shorter, 60);
    CHECK(block_alloc(arena, UNITS(64), 1, false) == longer);
    CHECK_EQUAL(block_bytes(longer), UNITS(66));
    CHECK_EQUAL(quick_near(&arena->blocks, 62), 0);
    CHECK(block_alloc(arena, UNITS(63), 1, false) == longest);
    CHECK(block_alloc(arena, UNITS(60), 1, false) == shorter);
    CHECK_EQUAL(arena->blocks.nquick, 0);
}

static void grant_more(PageArena *arena)
{
    CHECK(budget_grant_pages(SUPER_PAGES));
    arena->blocks.granted += CHUNK_UNITS;
}

/* All lengths, so that both words that are looked at count, and what is beyond the longest does not. */
static void any_length(void)
{
    PageArena *arena = enter();
    grant_more(arena);
    for (size_t n = RUN_LEAST; n <= RUN_MOST; n++) {
        void *block = between(arena, n);
        keep(arena, block, n);
        size_t wanted = n;
        while (wanted > RUN_LEAST && wanted - 1 + quick_slack(wanted - 1) >= n)
            wanted--;
        if (wanted > RUN_LEAST)
            CHECK_EQUAL(quick_near(&arena->blocks, wanted - 1), 0);
        CHECK(block_alloc(arena, UNITS(wanted), 1, false) == block);
        CHECK_EQUAL(arena->blocks.nquick, 0);
        keep(arena, block, n);
        CHECK(quick_drain(arena) && !quick_drain(arena));
    }
}

static void zero_when_asked(void)
{
    PageArena *arena = enter();
    unit_fill(blocks[5], UNITS(64), 9);
    block_free(arena, blocks[5]);
    CHECK(block_alloc(arena, UNITS(63), 1, true) == blocks[5]);
    CHECK(unit_is_zero(blocks[5], UNITS(64)));
}

static void as_much_is_kept_as_is_used(void)
{
    PageArena *arena = enter();
    for (int i = 0; i < NBLOCKS; i += 2) {
        block_free(arena, blocks[i]);
        CHECK(arena->blocks.nquick <= arena->blocks.nout / 2);
    }
    CHECK(arena->blocks.nquick >= NBLOCKS * 64 / 4);
    for (int i = 1; i < NBLOCKS; i += 2) {
        block_free(arena, blocks[i]);
        CHECK(arena->blocks.nquick <= arena->blocks.nout * 3 / 4);
    }
    CHECK_EQUAL(arena->blocks.nout, 0);
}

/* What does not fit is joined before memory is touched that never was, unless it is little. */
static void joined_before_more_is_touched(void)
{
    PageArena *arena = enter();
    size_t unused = chunk_unused_units(arena);
    grant_more(arena);
    quick_refresh(&arena->blocks);
    for (int i = 10; i < 14; i++)
        block_free(arena, blocks[i]);
    block_free(arena, blocks[20]);
    block_free(arena, blocks[30]);
    CHECK_EQUAL(arena->blocks.nquick, 6 * 64);
    CHECK(block_alloc(arena, UNITS(200), 1, false) == blocks[10]);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    CHECK_EQUAL(chunk_unused_units(arena), unused);
    keep(arena, blocks[40], 64);
    CHECK(block_alloc(arena, UNITS(200), 1, false) != NULL);
    CHECK_EQUAL(arena->blocks.nquick, 64);
    CHECK_EQUAL(chunk_unused_units(arena), unused - 200);
}

/* Frees two neighbours and two that have none: 256 units are kept. */
static void keep_two_and_two(PageArena *arena)
{
    keep(arena, blocks[11], 64);
    keep(arena, blocks[20], 64);
    keep(arena, blocks[30], 64);
    keep(arena, blocks[10], 64);
}

/* What has neighbours is joined when three eighths of what is kept were missed; the rest stays as it is. */
static void joined_when_much_was_missed(void)
{
    PageArena *arena = enter();
    for (int i = 40; i < 60; i++)
        block_free(arena, blocks[i]);
    quick_drain(arena);
    grant_more(arena);
    quick_refresh(&arena->blocks);
    keep_two_and_two(arena);
    arena->blocks.nmissed = 0;
    for (int i = 0; i < 4; i++) {
        CHECK(block_alloc(arena, UNITS(30), 1, false) >= blocks[40]);
        CHECK_EQUAL(arena->blocks.nquick, 256);
    }
    CHECK(block_alloc(arena, UNITS(30), 1, false) == blocks[10]);
    CHECK_EQUAL(arena->blocks.nquick, 128);
    CHECK(block_alloc(arena, UNITS(64), 1, false) == blocks[30]);
    CHECK(block_alloc(arena, UNITS(64), 1, false) == blocks[20]);
}

/* The same when a miss fits nowhere, unless that was just done: then nothing stays. */
static void joined_when_a_miss_does_not_fit(void)
{
    PageArena *arena = enter();
    keep_two_and_two(arena);
    arena->blocks.nmissed = 64;
    CHECK(block_alloc(arena, UNITS(128), 1, false) == blocks[10]);
    CHECK_EQUAL(arena->blocks.nquick, 128);
    arena->blocks.nmissed = 16;
    size_t unused = chunk_unused_units(arena);
    CHECK(block_alloc(arena, UNITS(128), 1, false) != NULL);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    CHECK(chunk_unused_units(arena) < unused);
}

/* Where the budget is used up, the chunks keep what was joined: no more than is granted may be kept besides. */
static void no_more_than_is_granted(void)
{
    PageArena *arena = enter();
    while (chunk_unused_units(arena) >= RUN_MOST)
        CHECK(block_alloc(arena, UNITS(RUN_MOST), 1, false) != NULL);
    for (int i = 0; i < NBLOCKS / 2; i += 2)
        block_free(arena, blocks[i]);
    CHECK(arena->blocks.nquick >= 64 * NBLOCKS / 8);
    budget_limit(0);
    CHECK(block_alloc(arena, UNITS(RUN_MOST), 1, false) != NULL);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    for (int i = 1; i < NBLOCKS / 2; i += 2) {
        block_free(arena, blocks[i]);
        CHECK(arena->blocks.nquick == 0 ||
              chunk_kept_units(&arena->blocks) <= arena->blocks.granted);
    }
}

/* The first free after some was given back is granted what may be kept again. */
static void keep_some(PageArena *arena, int first)
{
    for (int i = first; i < first + 4; i++)
        block_free(arena, blocks[i]);
    CHECK(arena->blocks.nquick != 0);
}

static void given_back(void)
{
    PageArena *arena = enter();
    keep_some(arena, 0);
    block_decay(arena);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    keep_some(arena, 4);
    block_flush(arena);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    keep_some(arena, 8);
    block_abandon(arena, true);
    CHECK_EQUAL(arena->blocks.nquick, 0);
}

/* A page that a changed block shares with a run that is kept goes with neither alone. */
static void beside_what_was_changed(void)
{
    PageArena *arena = enter();
    void *block = block_alloc(arena, UNITS(20), 1, false);
    void *changed = block_alloc(arena, UNITS(20), 1, false);
    void *behind = block_alloc(arena, UNITS(20), 1, false);
    CHECK((char *)block + UNITS(20) == changed && (char *)changed + UNITS(20) == behind);
    block_free(arena, block);
    block_free(arena, behind);
    CHECK_EQUAL(arena->blocks.nquick, 40);
    odd_mark(PAGE_LENT, region_page((uintptr_t)changed + UNITS(10)), 1);
    block_free(arena, changed);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    /* Nothing that is handed out now lies in a page that is not live. */
    for (int i = 0; i < 20; i++) {
        char *other = block_alloc(arena, UNITS(12), 1, true);
        size_t first = region_page((uintptr_t)other);
        size_t npages = region_page((uintptr_t)other + UNITS(12) - 1) + 1 - first;
        CHECK_EQUAL(page_map_count(PAGE_LIVE, first, npages), npages);
        CHECK(!page_map_any(PAGE_ODD, first, npages));
        unit_fill(other, UNITS(12), 3);
    }
}

/* In a superblock that was changed, what was not is kept as before. */
static void kept_beside_what_was_changed(void)
{
    PageArena *arena = enter();
    odd_mark(PAGE_LENT, region_page((uintptr_t)blocks[40]), 1);
    CHECK(!odd_is_calm(region_page((uintptr_t)blocks[10]) / SUPER_PAGES, arena));
    keep(arena, blocks[10], 64);
    CHECK_EQUAL(block_free(arena, blocks[40]), UNITS(64));
    CHECK_EQUAL(page_map_count(PAGE_ODD, region_page((uintptr_t)blocks[40]), 1), 0);
}

/* A block of which the program has unmapped a page. */
static void unmapped_in_part(void)
{
    PageArena *arena = enter();
    size_t page = region_page((uintptr_t)blocks[10]) + 3;
    router_free_live(arena, page, 1);
    block_free(arena, blocks[10]);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    CHECK(!page_map_any(PAGE_LIVE, page, 1));
    for (int i = 0; i < 20; i++) {
        size_t first = region_page((uintptr_t)block_alloc(arena, UNITS(60), 1, false));
        CHECK(first > page || first + 8 <= page);
        CHECK_EQUAL(page_map_count(PAGE_LIVE, first, 7), 7);
    }
}

static void suspended(void)
{
    PageArena *arena = enter();
    keep_some(arena, 0);
    router_suspend(true);
    block_free(arena, blocks[7]);
    CHECK_EQUAL(arena->blocks.nquick, 0);
}

static PageArena second;

/* What others have freed is taken back though a run that is kept would serve. */
static void freed_by_others(void)
{
    PageArena *arena = enter();
    CHECK(router_init_arena(&second));
    keep_some(arena, 0);
    for (int i = 10; i < 20; i++)
        block_free(&second, blocks[i]);
    CHECK(arena->blocks.nremote != 0);
    CHECK(block_alloc(arena, UNITS(64), 1, false) != NULL);
    CHECK_EQUAL(arena->blocks.nremote, 0);
    block_free(&second, blocks[20]);
    block_decay(arena);
    CHECK_EQUAL(arena->blocks.nremote, 0);
}

/* What is adopted is its new owner's to keep, unless it was changed; who left it does not keep it any more. */
static void adopted(void)
{
    PageArena *arena = enter();
    CHECK(router_init_arena(&second));
    size_t super = region_page((uintptr_t)blocks[0]) / SUPER_PAGES;
    CHECK(odd_is_calm(super, arena));
    block_abandon(arena, true);
    CHECK(!odd_is_calm(super, arena) && !odd_is_calm(super, &second));
    for (int i = 0; i < 40; i++)
        CHECK(block_alloc(&second, UNITS(64), 1, false) != NULL);
    CHECK_EQUAL(block_free(&second, blocks[0]), UNITS(64));
    CHECK(odd_is_calm(super, &second));
    CHECK_EQUAL(unit_block_keep(&second, blocks[1]), UNITS(64));
    CHECK_EQUAL(unit_block_keep(&second, blocks[1]), 0);
    CHECK_EQUAL(unit_block_keep(arena, blocks[2]), 0);
    odd_mark(PAGE_LENT, region_page((uintptr_t)blocks[40]), 1);
    block_abandon(&second, true);
    CHECK_EQUAL(block_free(arena, blocks[2]), UNITS(64));
    CHECK(!odd_is_calm(super, arena));
    CHECK_EQUAL(unit_block_keep(arena, blocks[3]), 0);
    CHECK_EQUAL(block_free(arena, blocks[3]), UNITS(64));
}

/* Who only frees looks at the clock, too. */
static void each_free_counts(void)
{
    PageArena *arena = enter();
    thread_let_own_go(arena);
    arena->until_look = 3;
    CHECK_EQUAL(space_block_keep(blocks[10]), UNITS(64));
    CHECK_EQUAL(space_block_keep(blocks[11]), UNITS(64));
    CHECK_EQUAL(arena->until_look, 1);
    CHECK_EQUAL(space_block_keep(blocks[12]), 0);
    CHECK_EQUAL(arena->until_look, 1);
    CHECK_EQUAL(space_block_free(blocks[12]), UNITS(64));
    CHECK(arena->until_look > 1);
}

/* An address in a block, but not of it, is none to be kept. */
static void not_where_a_block_starts(void)
{
    PageArena *arena = enter();
    char *block = blocks[10];
    CHECK_EQUAL(unit_block_keep(arena, block + 1), 0);
    CHECK_EQUAL(unit_block_keep(arena, block + UNIT_BYTES), 0);
    CHECK_EQUAL(unit_block_keep(arena, block + UNIT_BYTES - 1), 0);
    CHECK_EQUAL(unit_block_keep(arena, block - UNIT_BYTES), 0);
    CHECK_EQUAL(unit_block_keep(arena, block + PAGE_BYTES), 0);
    CHECK_EQUAL(arena->blocks.nquick, 0);
    CHECK_EQUAL(unit_block_keep(arena, block), UNITS(64));
}

UNIT_MAIN(UNIT_CASE(as_it_was), UNIT_CASE(the_shortest_that_is_hardly_too_long),
          UNIT_CASE(any_length), UNIT_CASE(zero_when_asked), UNIT_CASE(as_much_is_kept_as_is_used),
          UNIT_CASE(joined_before_more_is_touched), UNIT_CASE(joined_when_much_was_missed),
          UNIT_CASE(joined_when_a_miss_does_not_fit), UNIT_CASE(no_more_than_is_granted),
          UNIT_CASE(given_back), UNIT_CASE(beside_what_was_changed),
          UNIT_CASE(kept_beside_what_was_changed), UNIT_CASE(unmapped_in_part),
          UNIT_CASE(suspended), UNIT_CASE(freed_by_others), UNIT_CASE(adopted),
          UNIT_CASE(each_free_counts), UNIT_CASE(not_where_a_block_starts))
