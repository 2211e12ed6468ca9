/*
 * Blocks: memory whose size the arena remembers, for malloc(3).
 *
 * A table says for each page whether a block starts in it, where, and how large it is: no block is
 * smaller than a page. Blocks of up to RUN_MOST units come from the thread's own chunks (unit_block.h), all
 * others, those aligned to more than a unit, and all of them under GUARD and SCRUB are whole pages of the region.
 *
 * The kernel is asked about large blocks only, which may never have been touched. Contents are whatever
 * they are.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "page_arena.h"
#include "page_map.h"

/* No block is smaller. */
#define BLOCK_LEAST PAGE_BYTES

/* Makes the tables. False: no memory. */
bool block_init(void);

/* Forgets what is beyond the end of the region, which was trimmed. */
void block_trim(void);

/*
 * A block of nbytes, BLOCK_LEAST or more, at a multiple of `alignment`, a power of two, and of 512;
 * NULL if there is none to be had. It reads as zero if `zero`, or may hold anything.
 */
void *block_alloc(PageArena *arena, size_t nbytes, size_t alignment, bool zero);

/* The same of any alignment and contents, of which unit_block_kept has none. */
void *block_alloc_missed(PageArena *arena, size_t nbytes);

/* How many bytes the block has that starts here; 0 if none does. Any address of the region. */
size_t block_bytes(const void *block);

/*
 * Frees a block, and returns how many bytes it had; 0 if none starts here. Any address of the region.
 * NULL arena: where no list may be touched that is not atomic.
 */
size_t block_free(PageArena *arena, void *block);

/* Cuts a block, or lengthens it by what is free behind it. False: it is not, or not that much. */
bool block_resize(PageArena *arena, void *block, size_t nbytes);

/*
 * Lengthens a block of pages by free ones before it, and moves what it holds there. NULL: they are not
 * free, and it is as it was.
 */
void *block_slide(PageArena *arena, void *block, size_t nbytes);

/* Whether an arena, which may be NULL, has whole free pages. */
bool block_keeps(const PageArena *arena);

/* Gives what an arena has kept all the time since the last call to the region: how many pages, about. */
size_t block_decay(PageArena *arena);

/* Gives what an arena keeps back to the region. */
void block_flush(PageArena *arena);

/* The same of an arena that is given up; `intact` as for chunk_abandon. */
void block_abandon(PageArena *arena, bool intact);

#endif
