/*
 * Chunks: superblocks that one arena cuts into runs of units of 512 bytes, for blocks of malloc(3).
 *
 * Only its owner takes from a chunk and puts back into it, so that neither lock nor atomic operation
 * is needed. Free runs are in bins by length (bins.h); the shortest that is long enough serves, wherever
 * it is, and of the long ones rather one that was in use before. Neighbours join again.
 *
 * All pages of a chunk are live as far as the page map knows. Whole free pages go back to the region
 * when more is free than the arena may keep, and are no part of the chunk from then on. Those from
 * the mark of a chunk on were never used since it was taken: they are in one run at its end.
 *
 * When its arena is given up, a chunk in which something is still live has no owner, until a thread
 * that frees a part of it adopts it.
 */
#ifndef CHUNK_H
#define CHUNK_H

#include "bins.h"
#include "config.h"
#include "defs.h"
#include "page_arena.h"

/* A cache line each: neighbours may be at work. */
struct chunk {
    PageArena *owner;
    size_t mark;
    bool sparse; /* as it was taken: of small pages, if the kernel gives any others */
} __attribute__((aligned(64)));
extern struct chunk *g_chunks;

/* Makes the tables. False: no memory. */
bool chunk_init(void);

/* Forgets what is beyond the end of the region, which was trimmed. */
void chunk_trim(void);

/* Notes how much is in use: out, but not kept in quick lists. */
static inline void chunk_note_used(BlockHeap *heap)
{
    int64_t used = (int64_t)(heap->nout - heap->nquick);
    if (unlikely(used > heap->nused_most))
        heap->nused_most = used;
}

/*
 * A run of *n units, or some more, which it then says; NO_UNIT if there is none. How many of the first
 * were in use before; the others are as the region had them.
 */
size_t chunk_take(PageArena *arena, size_t *n, size_t *used);

/* Takes another chunk from the region. False: it has none, or the arena may not keep any. */
bool chunk_extend(PageArena *arena);

/* Puts back what was taken, by the owner, as one or in parts of which each is RUN_LEAST or more. */
void chunk_put(PageArena *arena, size_t unit, size_t n);

/*
 * For what is not put back, because its pages are not what they were: takes what is free in a page off
 * the lists, and n units off those that are out.
 */
void chunk_take_out(PageArena *arena, size_t page);
void chunk_lose(PageArena *arena, size_t n);

/* Takes n units right behind a run, by the owner. False: they are not free. */
bool chunk_take_at(PageArena *arena, size_t unit, size_t n);

/* Whether the arena owns the chunk of a unit. */
static inline bool chunk_is_of(const PageArena *arena, size_t unit)
{
    return __atomic_load_n(&g_chunks[unit / CHUNK_UNITS].owner, __ATOMIC_RELAXED) == arena &&
           arena != NULL;
}

/*
 * The same, now at least: it adopts it if nobody does. Otherwise the owner; NULL if that is nobody.
 */
bool chunk_own(PageArena *arena, size_t unit, PageArena **owner);

/* How many units are free in an arena's chunks, and how many of them were never used. */
static inline size_t chunk_free_units(const PageArena *arena)
{
    return __atomic_load_n(&arena->blocks.nfree, __ATOMIC_RELAXED) +
           __atomic_load_n(&arena->blocks.nquick, __ATOMIC_RELAXED);
}

/* What a heap keeps: units that are free, and were used. */
static inline size_t chunk_kept_units(const BlockHeap *heap)
{
    return heap->nfree - heap->nunused + heap->nquick;
}

static inline size_t chunk_unused_units(const PageArena *arena)
{
    return __atomic_load_n(&arena->blocks.nunused, __ATOMIC_RELAXED);
}

/* What is in no bin yet: as unused ones. */
static inline size_t chunk_reserved_units(const PageArena *arena)
{
    size_t reserve = __atomic_load_n(&arena->blocks.reserve, __ATOMIC_RELAXED);
    return reserve != 0 ? CHUNK_UNITS - (reserve - 1) % CHUNK_UNITS : 0;
}

/* Gives what was free all the time since the last call to the region: how many pages, about. */
size_t chunk_decay(PageArena *arena);

/* Gives all whole free pages of an arena back to the region. */
void chunk_flush(PageArena *arena);

/*
 * Leaves the chunks of an arena to whoever adopts them. `intact` false: the arena may be in the midst
 * of something, in a thread that is no more; nobody can adopt them then.
 */
void chunk_abandon(PageArena *arena, bool intact);

#endif
