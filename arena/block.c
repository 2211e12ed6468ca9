#include "block.h"

#include <string.h>

#include "config.h"
#include "odd.h"
#include "purge.h"
#include "region.h"
#include "router.h"
#include "trace.h"
#include "unit_block.h"
#include "zero.h"

/*
 * Blocks of so many pages are often touched in parts only: what is clean is asked for when they go to
 * the region, and neither cleared for the next nor counted as retained. One that was touched for the
 * most part speaks for the next UNASKED of about its size.
 */
#define ASKED_LEAST 64
#define UNASKED 7

/*
 * Blocks are of any size: what is free seldom fits as it is. If it were given back as soon as the
 * region has more than it ever had in use, programs with large blocks would fault them in for ever.
 */
#define IN_USE_SHARE 4
static size_t in_use;
static size_t in_use_most;

/* May come late: a bound on what is retained, not an account. */
static void note_in_use(size_t npages)
{
    size_t now = __atomic_add_fetch(&in_use, npages, __ATOMIC_RELAXED);
    if (now <= __atomic_load_n(&in_use_most, __ATOMIC_RELAXED) || now > SIZE_MAX / 2)
        return;
    __atomic_store_n(&in_use_most, now, __ATOMIC_RELAXED);
    purge_allow(now / IN_USE_SHARE);
}

bool block_init(void)
{
    return chunk_init();
}

void block_trim(void)
{
    chunk_trim();
}

size_t block_bytes(const void *block)
{
    uint32_t found = block_tag_at(region_page((uintptr_t)block));
    return block_tag_is_of(found, block) ? block_tag_bytes(found) : 0;
}

static void retire(PageArena *arena, size_t first, size_t npages)
{
    unsigned char *unasked = &arena->blocks.unasked[31 - (unsigned)__builtin_clz((unsigned)npages)];
    if ((npages < ASKED_LEAST || *unasked != 0) && g_config.scrub == 0) {
        *unasked -= *unasked != 0;
        page_map_set(PAGE_DIRTY, first, npages);
        return;
    }
    /* What was only guessed is forgotten. */
    page_map_clear(PAGE_DIRTY, first, npages);
    zero_retire(first, npages, &arena->density);
    if (page_map_count(PAGE_DIRTY, first, npages) >= npages - npages / 4)
        *unasked = UNASKED;
}

/* To the region, or to a warm cache. What the program has changed takes the way of munmap(2). */
static void release(PageArena *arena, size_t first, size_t npages)
{
    note_in_use(-npages);
    if (arena == NULL || g_config.guard != 0 || router_is_suspended() ||
        !odd_is_plain(first, npages)) {
        router_free_live(arena, first, npages);
        return;
    }
    page_map_clear(PAGE_LIVE, first, npages);
    retire(arena, first, npages);
    router_put_in_region(arena, first, npages);
}

static void *alloc_pages(PageArena *arena, size_t npages, unsigned order, bool zero)
{
    void *addr = router_map(arena, npages, order, zero ? 0 : npages);
    if (unlikely(addr == NULL))
        return NULL;
    block_tag_set(region_page((uintptr_t)addr), (uint32_t)npages);
    note_in_use(npages);
    return addr;
}

static __attribute__((noinline)) void *alloc_slowly(PageArena *arena, size_t nbytes,
                                                    size_t alignment, bool zero)
{
    if (unlikely(g_trace))
        trace(arena, zero ? TRACE_ZERO_BLOCK : TRACE_BLOCK, 0, nbytes);
    unsigned order = alignment > PAGE_BYTES ? (unsigned)__builtin_ctzl(alignment >> PAGE_SHIFT) : 0;
    return alloc_pages(arena, pages_for(nbytes), order, zero);
}

void *block_alloc(PageArena *arena, size_t nbytes, size_t alignment, bool zero)
{
    if (unlikely(__atomic_load_n(&arena->blocks.remote, __ATOMIC_RELAXED) != 0))
        unit_block_take_left(arena);
    void *block =
        likely(unit_block_serves(nbytes, alignment)) ? unit_block_alloc(arena, nbytes, zero) : NULL;
    return likely(block != NULL) ? block : alloc_slowly(arena, nbytes, alignment, zero);
}

void *block_alloc_missed(PageArena *arena, size_t nbytes)
{
    if (unlikely(__atomic_load_n(&arena->blocks.remote, __ATOMIC_RELAXED) != 0 ||
                 !unit_block_serves(nbytes, 1)))
        return block_alloc(arena, nbytes, 1, false);
    void *block = unit_block_cut(arena, nbytes, false);
    return likely(block != NULL) ? block : alloc_slowly(arena, nbytes, 1, false);
}

size_t block_free(PageArena *arena, void *block)
{
    size_t page = region_page((uintptr_t)block);
    uint32_t found = block_tag_at(page);
    if (unlikely(found == 0 || !block_tag_is_of(found, block)))
        return 0;
    size_t nbytes = block_tag_bytes(found);
    if (likely((found & BLOCK_IN_UNITS) != 0)) {
        unit_block_free(arena, page, found);
    } else {
        block_tag_set(page, 0);
        release(arena, page, found);
    }
    return nbytes;
}

bool block_resize(PageArena *arena, void *block, size_t nbytes)
{
    size_t page = region_page((uintptr_t)block);
    uint32_t found = block_tag_at(page);
    if ((found & BLOCK_IN_UNITS) != 0)
        return unit_block_resize(arena, page, found, nbytes);
    size_t before = found;
    size_t npages = pages_for(nbytes);
    if (npages > before && !(odd_is_plain(page, before) &&
                             router_map_at(arena, page + before, npages - before, npages - before)))
        return false;
    block_tag_set(page, (uint32_t)npages);
    if (npages > before)
        note_in_use(npages - before);
    if (npages < before)
        release(arena, page + npages, before - npages);
    return true;
}

void *block_slide(PageArena *arena, void *block, size_t nbytes)
{
    size_t page = region_page((uintptr_t)block);
    uint32_t before = block_tag_at(page);
    size_t more = pages_for(nbytes) - before;
    if ((before & BLOCK_IN_UNITS) != 0 || more > page || !odd_is_plain(page, before) ||
        !router_map_at(arena, page - more, more, more))
        return NULL;
    void *moved = region_addr(page - more);
    memmove(moved, block, (size_t)before << PAGE_SHIFT);
    block_tag_set(page, 0);
    block_tag_set(page - more, before + (uint32_t)more);
    note_in_use(more);
    return moved;
}

size_t block_decay(PageArena *arena)
{
    if (g_tags == NULL)
        return 0;
    unit_block_settle(arena);
    return chunk_decay(arena);
}

bool block_keeps(const PageArena *arena)
{
    return arena != NULL && chunk_free_units(arena) >= 2 * PAGE_UNITS;
}

void block_flush(PageArena *arena)
{
    if (g_tags == NULL)
        return;
    unit_block_settle(arena);
    chunk_flush(arena);
}

void block_abandon(PageArena *arena, bool intact)
{
    if (intact)
        block_flush(arena);
    chunk_abandon(arena, intact);
}
