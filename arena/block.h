/*
 * Blocks: runs of pages whose size the arena remembers, for malloc(3).
 *
 * A table has the number of pages of every block at its first page. Freed blocks of up to
 * BLOCK_CLASSES pages stay with the thread that freed them, in one stack for each number of pages,
 * and stay live as far as the page map knows: taking one and putting it back is no more than a look
 * at the map. All others, and what is more than a thread may keep, go to the region; the kernel is
 * asked about large ones only, which may never have been touched. Contents are whatever they are.
 *
 * How much a thread keeps follows what it has out, within what the budget grants.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "page_arena.h"
#include "page_map.h"

/* Makes the table. False: no memory. */
bool block_init(void);

/*
 * A block of npages, aligned to 2^order pages; NO_PAGE if there is none to be had. It reads as zero
 * if `zero`, or may hold anything.
 */
size_t block_alloc(PageArena *arena, size_t npages, unsigned order, bool zero);

/* How many pages the block has that starts at this page; 0 if none does. */
size_t block_pages(size_t first);

/* Whether a page is part of a block. Slow: for rare cases. */
bool block_has(size_t page);

/* Frees a block. NULL arena: its pages are deferred. */
void block_free(PageArena *arena, size_t first);

/* Cuts a block, or lengthens it by free pages behind it. False: they are not free. */
bool block_resize(PageArena *arena, size_t first, size_t npages);

/* Gives all that an arena keeps back to the region. */
void block_flush(PageArena *arena);

#endif
