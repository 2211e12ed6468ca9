/*
 * The router: which layer a request is served from, and where freed pages go.
 *
 * Pages go through it in flight (page_map.h): the caller clears and sets their live bits. An
 * arena belongs to the caller for the time of the call.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "defs.h"
#include "page_arena.h"

/* Sets up an arena's caches, which may hold what the budget grants them. False: no memory. */
bool router_init_arena(PageArena *arena);

/* Gives everything cached back to the region, and the grants to the budget. */
void router_flush(PageArena *arena);

/* Flushes and forgets the caches. */
void router_fini_arena(PageArena *arena);

/* Plain pages in flight, whose dirty bits are set: to a cache that takes them, or the region. */
void router_put(PageArena *arena, size_t first, size_t npages);

/* The same, to the region. */
void router_put_in_region(PageArena *arena, size_t first, size_t npages);

/* While suspended, nothing freed is handed out again: it goes back to the kernel, address and all. */
void router_suspend(bool suspended);
extern bool g_router_suspended;
static inline bool router_is_suspended(void)
{
    return __atomic_load_n(&g_router_suspended, __ATOMIC_RELAXED);
}

/* Pages that a program has used. NULL arena: defer them, with neither lock nor cache. */
void router_free(PageArena *arena, size_t first, size_t npages);

/* Frees whatever is live in [first, first + npages). */
void router_free_live(PageArena *arena, size_t first, size_t npages);

/*
 * Pages from a cache or the region, naturally aligned at least, made live, and to read as zero but
 * for the first `held`, which the caller overwrites. NULL: none to be had.
 */
void *router_map(PageArena *arena, size_t npages, unsigned order, size_t held);

/* The same of one superblock, of which parts may never be used: a huge page would waste them. */
void *router_map_sparse(PageArena *arena);

/* The same as router_map, but inaccessible until the program makes it accessible. */
void *router_reserve(PageArena *arena, size_t npages);

/* Exactly these. False: not all of them are free. */
bool router_reserve_at(PageArena *arena, size_t first, size_t npages);

/* Maps exactly these pages, as router_map does. False: not all of them are free. */
bool router_map_at(PageArena *arena, size_t first, size_t npages, size_t held);

#endif
