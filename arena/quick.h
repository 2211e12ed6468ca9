/*
 * Quick lists: what was freed last keeps its length for a while, and serves the next block of about
 * that length as it is.
 *
 * Joining a run with its neighbours, and cutting the next block from what comes of it, looks at the
 * tags of pages that have nothing to do with either. Most programs free and allocate blocks of the
 * same few lengths, or so many that one of almost every length is among those just freed. So an arena
 * keeps some of that in lists by length, last in first out, linked through the tag of the page where a
 * run starts. A request takes the shortest run that is hardly too long. All others go to the chunk
 * (chunk.h), and all of the lists do before memory is touched that was not yet.
 *
 * As far as the chunk knows, these runs are out. Only the arena's owner looks at them.
 */
#ifndef QUICK_H
#define QUICK_H

#include "chunk.h"
#include "router.h"

/* As much may be kept as is in use: half of what is out, as a shift. What is kept is out for the chunk. */
#define QUICK_KEPT_SHIFT 1

/*
 * So many units more than n may be given for n, of what is kept: an eighth while a fifth of what is out is free or kept,
 * less when memory is short.
 */
#define PLENTY_SHARE 5
#define PLENTY_SLACK_SHIFT 3
static inline size_t quick_slack(const BlockHeap *heap, size_t n)
{
    bool plenty = (int64_t)(chunk_kept_units(heap) * PLENTY_SHARE) > (int64_t)heap->nout;
    return plenty ? n >> PLENTY_SLACK_SHIFT : chunk_slack(heap, n);
}

/* Of the lengths n and hardly more, n at most RUN_MOST: those with a run, as bits from n on. */
static inline uint64_t quick_near(const BlockHeap *heap, size_t n)
{
    const uint64_t *word = &heap->quick_filled[n / 64];
    uint64_t bits = word[0] >> n % 64 | word[1] << 1 << (63 - n % 64);
    return bits & (((uint64_t)2 << quick_slack(heap, n)) - 1);
}

/* Takes out the run of n units that was kept last. There is one. */
static inline size_t quick_pop(BlockHeap *heap, size_t n)
{
    size_t unit = heap->quick[n] - 1;
    uint32_t next = g_tags[unit / PAGE_UNITS].left;
    heap->quick[n] = next;
    heap->quick_filled[n / 64] &= ~((uint64_t)(next == 0) << n % 64);
    count_add(&heap->nquick, -n);
    return unit;
}

/* A run of *length units, or some more, which it then says. NO_UNIT: none is kept. */
static inline size_t quick_take(BlockHeap *heap, size_t *length)
{
    uint64_t near = quick_near(heap, *length);
    if (near == 0)
        return NO_UNIT;
    *length += (size_t)__builtin_ctzl(near);
    size_t unit = quick_pop(heap, *length);
    chunk_note_used(heap);
    return unit;
}

/* How many units may be kept; less than 0: none. */
static inline int64_t quick_most(const BlockHeap *heap)
{
    return (int64_t)heap->nout >> QUICK_KEPT_SHIFT;
}

/* Whether n units more may be kept. */
static inline bool quick_has_room(const BlockHeap *heap, size_t n)
{
    return n <= RUN_MOST && (int64_t)(heap->nquick + n) <= quick_most(heap) &&
           chunk_kept_units(heap) + n <= heap->granted && !router_is_suspended();
}

/* Whether three times as much is kept as is in use, since that was more, or more than is granted, or nothing may be. */
static inline bool quick_is_excessive(const BlockHeap *heap)
{
    int64_t most = quick_most(heap);
    return heap->nquick != 0 && ((int64_t)heap->nquick > most + most / 2 ||
                                 chunk_kept_units(heap) > heap->granted || router_is_suspended());
}

/* Keeps a run that chunk_take has given out, if there is room. */
static inline void quick_put(BlockHeap *heap, size_t unit, size_t n)
{
    g_tags[unit / PAGE_UNITS].left = heap->quick[n];
    heap->quick[n] = (uint32_t)unit + 1;
    heap->quick_filled[n / 64] |= (uint64_t)1 << n % 64;
    count_add(&heap->nquick, n);
}

/* Puts all of them back into the chunks. False: there were none. */
bool quick_drain(PageArena *arena);

#endif
