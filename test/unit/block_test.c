#include "block.h"

#include <string.h>

#include "odd.h"
#include "region.h"
#include "router.h"
#include "thread.h"
#include "unit.h"

#define SMALL "REGION=64M"

static PageArena *enter(const char *settings)
{
    unit_start(settings);
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    return arena;
}

static size_t take(PageArena *arena, size_t npages)
{
    size_t first = block_alloc(arena, npages, 0, false);
    CHECK(first != NO_PAGE);
    CHECK_EQUAL(block_pages(first), npages);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, first, npages), npages);
    memset(region_addr(first), 0xaa, npages * PAGE_BYTES);
    return first;
}

static bool is_whole_region_free(void)
{
    size_t used = region_used_pages();
    return page_map_count(PAGE_FREE, 0, used) + page_map_count(PAGE_CACHED, 0, used) == used;
}

static void last_freed_comes_first(void)
{
    PageArena *arena = enter(SMALL);
    for (size_t npages = 1; npages <= BLOCK_CLASSES; npages++) {
        size_t a = take(arena, npages);
        size_t b = take(arena, npages);
        block_free(arena, a);
        block_free(arena, b);
        CHECK_EQUAL(take(arena, npages), b);
        CHECK_EQUAL(take(arena, npages), a);
        block_free(arena, a);
        block_free(arena, b);
        block_flush(arena);
        router_flush(arena);
        CHECK(is_whole_region_free());
        CHECK_EQUAL(block_pages(a) + block_pages(b), 0);
    }
}

static void keeps_a_share_of_what_is_out(void)
{
    PageArena *arena = enter(SMALL);
    size_t firsts[500];
    for (size_t i = 0; i < 500; i++)
        firsts[i] = take(arena, 8);
    CHECK_EQUAL(arena->blocks.out, 4000);
    for (size_t i = 0; i < 250; i++)
        block_free(arena, firsts[i]);
    CHECK(arena->blocks.npages != 0 && arena->blocks.npages <= 32 + 4000 / 32);
    for (size_t i = 250; i < 500; i++)
        block_free(arena, firsts[i]);
    CHECK(arena->blocks.npages <= 32 + 4000 / 32);
    CHECK_EQUAL(arena->blocks.out, 0);
    block_flush(arena);
    router_flush(arena);
    CHECK(is_whole_region_free());
}

static void zero_when_asked(void)
{
    PageArena *arena = enter(SMALL);
    static const size_t npages[] = {1, 3, 16, 17, 100, 512, 600};
    for (size_t i = 0; i < sizeof npages / sizeof *npages; i++)
        for (int round = 0; round < 3; round++) {
            size_t dirty = take(arena, npages[i]);
            block_free(arena, dirty);
            size_t first = block_alloc(arena, npages[i], 0, true);
            CHECK(first != NO_PAGE);
            CHECK(unit_is_zero(region_addr(first), npages[i] * PAGE_BYTES));
            memset(region_addr(first), 1, npages[i] * PAGE_BYTES);
            block_free(arena, first);
        }
    /* What was a block reads zero as a mapping, too. */
    block_flush(arena);
    void *addr = router_map(arena, 512, 0, 0);
    CHECK(addr != NULL && unit_is_zero(addr, 512 * PAGE_BYTES));
}

static void resized_in_place(void)
{
    PageArena *arena = enter(SMALL);
    size_t first = take(arena, 100);
    CHECK(block_resize(arena, first, 40));
    CHECK_EQUAL(block_pages(first), 40);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, first, 100), 40);
    CHECK(block_resize(arena, first, 100));
    CHECK_EQUAL(page_map_count(PAGE_LIVE, first, 100), 100);
    size_t behind = take(arena, 20);
    if (behind == first + 100)
        CHECK(!block_resize(arena, first, 101));
    CHECK_EQUAL(block_pages(first), 100);
    block_free(arena, first);
    block_free(arena, behind);
    CHECK_EQUAL(arena->blocks.out, 0);
}

/* Blocks that the program has changed, or has unmapped a part of, are not kept. */
static void changed_blocks(void)
{
    PageArena *arena = enter(SMALL);
    size_t first = take(arena, 8);
    odd_mark(PAGE_TORN, first + 3, 1);
    block_free(arena, first);
    CHECK_EQUAL(arena->blocks.npages, 0);
    CHECK(!page_map_any(PAGE_ODD, first, 8) && !page_map_any(PAGE_LIVE, first, 8));
    first = take(arena, 8);
    router_free_live(arena, first + 7, 1);
    block_free(arena, first);
    CHECK_EQUAL(arena->blocks.npages, 0);
    CHECK(!page_map_any(PAGE_LIVE, first, 8));
    router_flush(arena);
    CHECK(is_whole_region_free());
}

static void freed_without_an_arena(void)
{
    PageArena *arena = enter(SMALL);
    size_t first = take(arena, 8);
    block_free(NULL, first);
    CHECK_EQUAL(block_pages(first), 0);
    CHECK_EQUAL(page_map_count(PAGE_DEFERRED, first, 8), 8);
    CHECK(region_lock(true));
    region_unlock();
    CHECK_EQUAL(page_map_count(PAGE_FREE, first, 8), 8);
    (void)arena;
}

static void guarded(void)
{
    PageArena *arena = enter("REGION=64M GUARD=1");
    size_t first = take(arena, 8);
    block_free(arena, first);
    CHECK_EQUAL(arena->blocks.npages, 0);
    CHECK(!page_map_any(PAGE_LIVE, first, 8));
    first = block_alloc(arena, 8, 0, true);
    CHECK(first != NO_PAGE && unit_is_zero(region_addr(first), 8 * PAGE_BYTES));
}

static void suspended(void)
{
    PageArena *arena = enter(SMALL);
    size_t kept = take(arena, 8);
    size_t first = take(arena, 8);
    block_free(arena, kept);
    router_suspend(true);
    CHECK_EQUAL(block_alloc(arena, 8, 0, false), NO_PAGE);
    block_free(arena, first);
    CHECK(page_map_any(PAGE_LOST, first, 8));
    CHECK_EQUAL(arena->blocks.out, 0);
}

UNIT_MAIN(UNIT_CASE(last_freed_comes_first), UNIT_CASE(keeps_a_share_of_what_is_out),
          UNIT_CASE(zero_when_asked), UNIT_CASE(resized_in_place), UNIT_CASE(changed_blocks),
          UNIT_CASE(freed_without_an_arena), UNIT_CASE(guarded), UNIT_CASE(suspended))
