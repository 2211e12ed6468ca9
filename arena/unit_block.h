/*
 * Blocks of units, cut from the chunks of a thread (chunk.h), or kept as they are for a while (quick.h).
 *
 * A thread that frees a block of another's chunk puts it on a list for the owner, who takes it back
 * when its own memory runs short. What is more than the owner may leave there is purged at once.
 */
#ifndef UNIT_BLOCK_H
#define UNIT_BLOCK_H

#include "block_tag.h"
#include "config.h"
#include "odd.h"
#include "quick.h"
#include "region.h"

/* Whether a block is cut from a chunk if there is one to be had. */
static inline bool unit_block_serves(size_t nbytes, size_t alignment)
{
    return nbytes <= RUN_MOST * UNIT_BYTES && alignment <= UNIT_BYTES && g_config.guard == 0 &&
           g_config.scrub == 0;
}

static inline size_t units_for(size_t nbytes)
{
    return (nbytes + UNIT_BYTES - 1) >> UNIT_SHIFT;
}

static inline void *unit_block_addr(size_t unit)
{
    return (char *)region_addr(0) + (unit << UNIT_SHIFT);
}

/* A run that was taken from a chunk, as a block. */
static inline void *unit_block_of(PageArena *arena, size_t unit, size_t n)
{
    count_add(&arena->unit_blocks, 1);
    block_tag_set(unit / PAGE_UNITS,
                  (uint32_t)n | (uint32_t)(unit % PAGE_UNITS) << BLOCK_SIZE_BITS | BLOCK_IN_UNITS);
    return unit_block_addr(unit);
}

/*
 * The usual cases of unit_block_alloc and unit_block_free: a block that is kept as it was freed, or NULL;
 * and how many bytes the one that is kept now has, or 0.
 */
static inline __attribute__((always_inline)) void *unit_block_kept(PageArena *arena, size_t nbytes)
{
    size_t n = units_for(nbytes);
    if (unlikely(n > RUN_MOST))
        return NULL;
    size_t unit = quick_take(&arena->blocks, n);
    if (unlikely(unit == NO_UNIT))
        return NULL;
    count_add(&arena->unit_blocks, 1);
    return unit_block_addr(unit);
}

static inline __attribute__((always_inline)) size_t unit_block_keep(PageArena *arena, void *block)
{
    size_t unit = ((uintptr_t)block - g_region.base) >> UNIT_SHIFT;
    uint32_t found = block_tag_read(unit / PAGE_UNITS);
    size_t n = found & BLOCK_SIZE_MASK;
    if (unlikely(!block_tag_is_in_units(found, block) || !odd_is_calm(unit / CHUNK_UNITS, arena) ||
                 !quick_has_room(&arena->blocks, n)))
        return 0;
    invariant(chunk_is_of(arena, unit));
    invariant(chunk_kept_units(&arena->blocks) + n <= arena->blocks.granted);
    invariant(odd_is_plain(unit / PAGE_UNITS, block_tag_pages(unit / PAGE_UNITS, found).npages));
    quick_put(&arena->blocks, unit, found);
    return n << UNIT_SHIFT;
}

/* A block of a size that is served; NULL: there is none. It reads as zero if `zero`. */
void *unit_block_alloc(PageArena *arena, size_t nbytes, bool zero);

/* The same of one that is not kept. */
void *unit_block_cut(PageArena *arena, size_t nbytes, bool zero);

/* Frees the block that starts in a page, with this tag. NULL arena: as for block_free. */
void unit_block_free(PageArena *arena, size_t page, uint32_t block);

/* As block_resize. */
bool unit_block_resize(PageArena *arena, size_t page, uint32_t block, size_t nbytes);

/* Frees what others have left for an arena, which may have gone to another since. */
void unit_block_take_left(PageArena *arena);

/* Puts all that was freed back into the chunks: what others have left, and what is kept as it is. */
void unit_block_settle(PageArena *arena);

#endif
