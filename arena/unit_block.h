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

/* Whether a block is cut from a chunk if there is one to be had. */
static inline bool unit_block_serves(size_t nbytes, size_t alignment)
{
    return nbytes <= RUN_MOST * UNIT_BYTES && alignment <= UNIT_BYTES && g_config.guard == 0 &&
           g_config.scrub == 0;
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
