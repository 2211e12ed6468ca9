#include "block.h"

#include <string.h>

#include "budget.h"
#include "config.h"
#include "os.h"
#include "page_stack.h"
#include "purge.h"
#include "region.h"
#include "router.h"
#include "zero.h"

/* A thread keeps a share of what it has out, and a little. */
#define KEPT_SHARE 32
#define KEPT_LEAST 32
#define LOOSE_LEAST 4
#define DEPTH ((size_t)64)

/*
 * Blocks of so many pages are often touched in parts only: what is clean is asked for when they go to
 * the region, and neither cleared for the next nor counted as retained.
 */
#define ASKED_LEAST 64

static uint32_t *table;

/*
 * Blocks are of any size: what is free seldom fits as it is. If it were given back as soon as the
 * region has more than it ever had in use, programs with large blocks would fault them in for ever.
 */
#define SLACK_SHARE 4
static size_t in_use;
static size_t in_use_most;

/* May come late: a bound on what is retained, not an account. */
static void note_in_use(size_t npages)
{
    size_t now = __atomic_add_fetch(&in_use, npages, __ATOMIC_RELAXED);
    if (now <= __atomic_load_n(&in_use_most, __ATOMIC_RELAXED) || now > SIZE_MAX / 2)
        return;
    __atomic_store_n(&in_use_most, now, __ATOMIC_RELAXED);
    purge_allow(now / SLACK_SHARE);
}

bool block_init(void)
{
    table = os_map((g_region.nbytes >> PAGE_SHIFT) * sizeof *table);
    return table != NULL;
}

size_t block_pages(size_t first)
{
    return table != NULL ? __atomic_load_n(&table[first], __ATOMIC_RELAXED) : 0;
}

static void set_pages(size_t first, size_t npages)
{
    __atomic_store_n(&table[first], (uint32_t)npages, __ATOMIC_RELAXED);
}

bool block_has(size_t page)
{
    size_t most = pages_for(g_config.max_span);
    for (size_t back = 0; back <= page && back < most; back++) {
        size_t npages = block_pages(page - back);
        if (npages != 0)
            return npages > back;
    }
    return false;
}

/* Whether the program has left these pages as they were handed out. */
static bool is_plain(size_t first, size_t npages)
{
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        if ((page_word_read(PAGE_LIVE, page) & mask) != mask ||
            (page_word_read(PAGE_ODD, page) & mask) != 0)
            return false;
    }
    return true;
}

/* To the region, or to a warm cache. What the program has changed takes the way of munmap(2). */
static void release(PageArena *arena, size_t first, size_t npages)
{
    note_in_use(-npages);
    if (arena == NULL || g_config.guard != 0 || router_is_suspended() || !is_plain(first, npages)) {
        router_free_live(arena, first, npages);
        return;
    }
    page_map_clear(PAGE_LIVE, first, npages);
    if (npages < ASKED_LEAST)
        page_map_set(PAGE_DIRTY, first, npages);
    else
        zero_retire(first, npages, &arena->density);
    router_put(arena, first, npages);
}

/* The stacks of an arena that has none yet; false: no memory. */
static bool make_stacks(BlockCache *cache)
{
    void **entries = os_map(BLOCK_CLASSES * DEPTH * sizeof *entries);
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < BLOCK_CLASSES; i++)
        entries = page_stack_use(&cache->stacks[i], entries, DEPTH);
    return true;
}

static bool has_room(BlockCache *cache, size_t npages)
{
    size_t out = cache->out > 0 ? (size_t)cache->out : 0;
    size_t wanted = cache->npages + npages;
    if (wanted > KEPT_LEAST + out / KEPT_SHARE)
        return false;
    if (unlikely(wanted > cache->granted)) {
        if (cache->stacks[0].entries == NULL && !make_stacks(cache))
            return false;
        cache->granted += SPAN_2M_PAGES * budget_grant(SPAN_2M_PAGES, 1);
    }
    return wanted <= cache->granted;
}

/* A kept block of npages, or of one more where that is not much. */
static void *take_kept(BlockCache *cache, size_t npages)
{
    if (npages > BLOCK_CLASSES || cache->npages == 0 || router_is_suspended())
        return NULL;
    size_t got = npages;
    void *addr = page_stack_pop(&cache->stacks[got - 1]);
    if (addr == NULL && got >= LOOSE_LEAST && got < BLOCK_CLASSES)
        addr = page_stack_pop(&cache->stacks[got++]);
    if (addr == NULL)
        return NULL;
    cache->npages -= got;
    cache->out += (int64_t)got;
    return addr;
}

size_t block_alloc(PageArena *arena, size_t npages, unsigned order, bool zero)
{
    void *addr = order == 0 ? take_kept(&arena->blocks, npages) : NULL;
    if (likely(addr != NULL)) {
        if (zero)
            memset(addr, 0, npages * PAGE_BYTES);
        return region_page((uintptr_t)addr);
    }
    addr = router_map(arena, npages, order, zero ? 0 : npages);
    if (unlikely(addr == NULL))
        return NO_PAGE;
    arena->blocks.out += (int64_t)npages;
    size_t first = region_page((uintptr_t)addr);
    set_pages(first, npages);
    note_in_use(npages);
    return first;
}

void block_free(PageArena *arena, size_t first)
{
    size_t npages = block_pages(first);
    if (likely(arena != NULL)) {
        BlockCache *cache = &arena->blocks;
        cache->out -= cache->out >= (int64_t)npages ? (int64_t)npages : cache->out;
        if (npages <= BLOCK_CLASSES && g_config.guard == 0 && !router_is_suspended() &&
            is_plain(first, npages) && has_room(cache, npages) &&
            page_stack_push(&cache->stacks[npages - 1], region_addr(first)) == NULL) {
            cache->npages += npages;
            return;
        }
    }
    set_pages(first, 0);
    release(arena, first, npages);
}

bool block_resize(PageArena *arena, size_t first, size_t npages)
{
    size_t before = block_pages(first);
    if (npages > before &&
        !(is_plain(first, before) &&
          router_map_at(arena, first + before, npages - before, npages - before)))
        return false;
    set_pages(first, npages);
    arena->blocks.out += (int64_t)npages - (int64_t)before;
    if (npages > before)
        note_in_use(npages - before);
    if (npages < before)
        release(arena, first + npages, before - npages);
    return true;
}

void block_flush(PageArena *arena)
{
    BlockCache *cache = &arena->blocks;
    for (size_t i = 0; i < BLOCK_CLASSES; i++)
        while (cache->stacks[i].count != 0) {
            void *addr = cache->stacks[i].entries[--cache->stacks[i].count];
            size_t first = region_page((uintptr_t)addr);
            set_pages(first, 0);
            release(arena, first, i + 1);
        }
    budget_return(SPAN_2M_PAGES, cache->granted / SPAN_2M_PAGES);
    cache->granted = 0;
    cache->npages = 0;
}
