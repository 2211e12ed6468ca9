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

/* A run that was taken, as a block. */
static inline void *unit_block_of(PageArena *arena, size_t unit, size_t n)
{
    count_add(&arena->unit_blocks, 1);
    block_tag_set(unit / PAGE_UNITS,
                  (uint32_t)n | (uint32_t)(unit % PAGE_UNITS) << BLOCK_SIZE_BITS | BLOCK_IN_UNITS);
    return (char *)region_addr(0) + (unit << UNIT_SHIFT);
}

/*
 * The usual cases of unit_block_alloc and unit_block_free: a block that is kept as it was freed, or NULL;
 * and whether one is kept, of a tag in units.
 */
static inline __attribute__((always_inline)) void *unit_block_kept(PageArena *arena, size_t nbytes)
{
    size_t n = units_for(nbytes);
    if (unlikely(n > RUN_MOST || __atomic_load_n(&arena->blocks.remote, __ATOMIC_RELAXED) != 0))
        return NULL;
    size_t unit = quick_take(&arena->blocks, &n);
    return likely(unit != NO_UNIT) ? unit_block_of(arena, unit, n) : NULL;
}

static inline __attribute__((always_inline)) bool unit_block_keep(PageArena *arena, size_t page,
                                                                  uint32_t block)
{
    size_t n = block & BLOCK_SIZE_MASK;
    size_t unit = page * PAGE_UNITS + block_tag_start(block);
    if (!chunk_is_of(arena, unit) || !odd_is_calm(unit / CHUNK_UNITS) ||
        !quick_has_room(&arena->blocks, n))
        return false;
    invariant(chunk_kept_units(&arena->blocks) + n <= arena->blocks.granted);
    invariant(odd_is_plain(page, block_tag_pages(page, block).npages));
    block_tag_set(page, 0);
    quick_put(&arena->blocks, unit, n);
    return true;
}

/* A block of a size that is served; NULL: there is none. It reads as zero if `zero`. */
void *unit_block_alloc(PageArena *arena, size_t nbytes, bool zero);

/* Frees the block that starts in a page, with this tag. NULL arena: as for block_free. */
void unit_block_free(PageArena *arena, size_t page, uint32_t block);

/* As block_resize. */
bool unit_block_resize(PageArena *arena, size_t page, uint32_t block, size_t nbytes);

/* Frees what others have left for an arena, which may have gone to another since. */
void unit_block_take_left(PageArena *arena);

/* Puts all that was freed back into the chunks: what others have left, and what is kept as it is. */
void unit_block_settle(PageArena *arena);

#endif
