/*
 * What an arena has cached: a stack of single pages, one for each size of warm spans, and one for each
 * length of shorter runs. What a stack may hold the budget grants it, as it fills.
 *
 * Cached pages are in flight, plain, and have their dirty bits set. What a stack lists is a hint: others may
 * have taken it (page_map.h, CACHED).
 */
#ifndef CACHE_H
#define CACHE_H

#include "defs.h"
#include "page_arena.h"

/* Sets up the stacks, empty and with no grant. False: no memory. */
bool cache_init(PageArena *arena);

/* Forgets the stacks, which are flushed. */
void cache_fini(PageArena *arena);

/* A run of this many pages, aligned naturally; NO_PAGE if none is cached. */
size_t cache_take(PageArena *arena, size_t npages);

/* False: there is no stack for such runs, or no room. */
bool cache_put(PageArena *arena, size_t first, size_t npages);

/* Gives everything back to the region, and the grants to the budget. */
void cache_flush(PageArena *arena);

/* Gives what the stacks have had all the time since the last call to the region: how many pages. */
size_t cache_decay(PageArena *arena);

/* Takes runs out of an arena that may be at work: its stacks then list what is not there. How many. */
size_t cache_steal(const PageArena *arena, struct run *runs, size_t nruns);

#endif
