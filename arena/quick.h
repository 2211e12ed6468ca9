/*
 * Quick lists: what was freed last keeps its length for a while, and serves the next block of about
 * that length as it is.
 *
 * Joining a run with its neighbours, and cutting the next block from what comes of it, looks at the
 * tags of pages that have nothing to do with either. Most programs free and allocate blocks of the
 * same few lengths, or so many that one of almost every length is among those just freed. So an arena
 * keeps some of that in lists by length, last in first out, linked through the tag of the page where a
 * run starts. A request takes the shortest run that is hardly too long. All others are misses: they go
 * to the chunk (chunk.h).
 *
 * What is kept and lies beside a free run would make a longer one. It is joined with that when as much
 * was missed as three eighths of what is kept, or when a miss fits nowhere; and all that is kept is put back
 * before memory is touched that was not yet, unless it is little. To join more often would miss more, and less
 * often waste more.
 *
 * As far as the chunk knows, these runs are out. Only the arena's owner looks at them.
 */
#ifndef QUICK_H
#define QUICK_H

#include "block_tag.h"
#include "chunk.h"
#include "router.h"

/* As much may be kept as is in use: half of what is out, as a shift. What is kept is out for the chunk. */
#define QUICK_KEPT_SHIFT 1

/* So many units more than n may be given for n, of what is kept. */
static inline size_t quick_slack(size_t n)
{
    return (n >> RUN_SLACK_SHIFT) + 2;
}

/* So many units were missed since some were joined, in eighths of what is kept, and that is due again. */
#define QUICK_MISSED_EIGHTHS 3

/* The same: if no more than so many were, there is nothing left that can be joined, as a rule. */
#define QUICK_JOINED_EIGHTHS 1

/* Of the lengths n and hardly more, n at most RUN_MOST: those with a run, as bits from n on. */
static inline uint64_t quick_near(const BlockHeap *heap, size_t n)
{
    const uint64_t *word = &heap->quick_filled[n / 64];
    uint64_t bits = word[0] >> n % 64 | word[1] << 1 << (63 - n % 64);
    return bits & (((uint64_t)2 << quick_slack(n)) - 1);
}

/* Takes out the run of n units that was kept last. There is one. Its tag is still that of what is kept. */
static inline size_t quick_pop(BlockHeap *heap, size_t n)
{
    size_t unit = heap->quick[n] - 1;
    uint32_t next = g_tags[unit / PAGE_UNITS].left;
    heap->quick[n] = next;
    heap->quick_filled[n / 64] &= ~((uint64_t)(next == 0) << n % 64);
    count_add(&heap->nquick, -n);
    return unit;
}

/* A block of n units, or some more. NO_UNIT: none is kept. */
static inline size_t quick_take(BlockHeap *heap, size_t n)
{
    uint64_t near = quick_near(heap, n);
    if (near == 0)
        return NO_UNIT;
    size_t unit = quick_pop(heap, n + (size_t)__builtin_ctzl(near));
    block_tag_set(unit / PAGE_UNITS, block_tag_read(unit / PAGE_UNITS) & ~BLOCK_KEPT);
    chunk_note_used(heap);
    return unit;
}

/* Whether n units more may be kept, as quick_refresh has found. */
static inline bool quick_has_room(const BlockHeap *heap, size_t n)
{
    return n <= RUN_MOST && (int64_t)(heap->nquick + n) <= heap->quick_most &&
           !router_is_suspended();
}

/* Keeps the block that starts with a unit and has this tag. There is room. */
static inline void quick_put(BlockHeap *heap, size_t unit, uint32_t block)
{
    size_t n = block & BLOCK_SIZE_MASK;
    bins_tag(unit)->left = heap->quick[n];
    block_tag_set(unit / PAGE_UNITS, block | BLOCK_KEPT);
    heap->quick[n] = (uint32_t)unit + 1;
    heap->quick_filled[n / 64] |= (uint64_t)1 << n % 64;
    count_add(&heap->nquick, n);
}

/*
 * Finds how much may be kept, after the chunks have changed. False: more than three quarters of what is out is
 * kept, since more was in use, or more than is granted, or nothing may be.
 */
static inline bool quick_refresh(BlockHeap *heap)
{
    int64_t most = (int64_t)heap->nout >> QUICK_KEPT_SHIFT;
    int64_t granted = (int64_t)(heap->granted - (heap->nfree - heap->nunused));
    int64_t kept = (int64_t)heap->nquick;
    heap->quick_most = most < granted ? most : granted;
    return kept == 0 || (kept <= most + most / 2 && kept <= granted && !router_is_suspended());
}

/* Whether so much was missed that something is to be joined. */
static inline bool quick_is_due(const BlockHeap *heap)
{
    return heap->nmissed * 8 > heap->nquick * QUICK_MISSED_EIGHTHS;
}

/* Puts back what lies beside free runs, or, if hardly anything was missed since, all. False: nothing is kept. */
bool quick_join(PageArena *arena);

/* Puts all of them back into the chunks. False: there were none. */
bool quick_drain(PageArena *arena);

#endif
