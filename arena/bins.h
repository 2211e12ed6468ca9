/*
 * Bins: the free runs of a heap, by length. What describes a run stands beside the memory, in a tag of the
 * page where it starts and of the one where it ends:
 *
 *     | live ....... | free ... | live ......... | free ............ | live ...
 *     ^ page      ^ page     ^ page     ^ page     ^ page     ^ page     ^ page
 *
 * Runs in use have 8 units at least, that is a page's worth. So two free runs never start in the same
 * page, nor do they end in the same one, and a tag has room for one of each.
 */
#ifndef BINS_H
#define BINS_H

#include "defs.h"
#include "page_arena.h"

#define UNIT_SHIFT 9
#define UNIT_BYTES ((size_t)1 << UNIT_SHIFT)
#define PAGE_UNITS ((size_t)8)

/* What a run in use has at least and at most. */
#define RUN_LEAST PAGE_UNITS
#define RUN_MOST ((size_t)CHUNK_BINS)

/* So many units more than n are given for n rather than cut off, as a shift: they would hardly serve anybody. */
#define RUN_SLACK_SHIFT 4

/* So many units a block is given at most. */
#define RUN_GIVEN_MOST (RUN_MOST + (RUN_MOST >> RUN_SLACK_SHIFT))

#define NO_UNIT SIZE_MAX

/* Of a page. Units are named by their index in the region, in lists by that plus one; 0 ends them. */
struct tag {
    uint32_t block; /* for block_tag.h */
    uint32_t left;  /* for unit_block.c, quick.h */
    uint32_t prev, next;
    uint16_t starts; /* the free run that starts in this page: its units * 8, plus in which unit */
    uint16_t ends;   /* the same of the one that ends in it, by its last unit; 0: none does */
};
extern struct tag *g_tags;

/* All of a superblock. */
#define CHUNK_UNITS (SUPER_PAGES * PAGE_UNITS)

static inline struct tag *bins_tag(size_t unit)
{
    return &g_tags[unit / PAGE_UNITS];
}

/* How many units the free run has that starts here, or that ends with this one; 0: none does. */
static inline size_t bins_run_from(size_t unit)
{
    size_t starts = bins_tag(unit)->starts;
    return starts % PAGE_UNITS == unit % PAGE_UNITS ? starts / PAGE_UNITS : 0;
}

static inline size_t bins_run_until(size_t unit)
{
    size_t ends = bins_tag(unit)->ends;
    return ends % PAGE_UNITS == unit % PAGE_UNITS ? ends / PAGE_UNITS : 0;
}

/* The bin of runs of n units. */
static inline size_t bins_of(size_t n)
{
    return min_size(n, CHUNK_BINS) - 1;
}

/* The words of heap->filled that are not 0, as bits; behind them, one more. */
static inline uint64_t bins_words(const BlockHeap *heap)
{
    uint64_t words = (uint64_t)1 << CHUNK_BINS / 64;
#pragma GCC unroll 8
    for (size_t word = 0; word < CHUNK_BINS / 64; word++)
        words |= (uint64_t)(heap->filled[word] != 0) << word;
    return words;
}

/* The first bin with runs of n units or more; CHUNK_BINS: there is none. No branch can be foretold. */
static inline size_t bins_find(const BlockHeap *heap, size_t n)
{
    size_t first = (n - 1) / 64;
    size_t longer = (size_t)__builtin_ctzl(bins_words(heap) & ~(uint64_t)1 << first);
    uint64_t bits = heap->filled[first] & ~(uint64_t)0 << (n - 1) % 64;
    uint64_t others = heap->filled[longer % (CHUNK_BINS / 64)] | (longer == CHUNK_BINS / 64);
    return choose_size(bits != 0, first, longer) * 64 +
           (size_t)__builtin_ctzl(choose_size(bits != 0, bits, others));
}

/* Lists a run. */
void bins_insert(BlockHeap *heap, size_t unit, size_t n);

/* Takes a run out; bins_forget: one that no list has any more. bins_cut: the first of its units, fewer than n. */
void bins_take_out(BlockHeap *heap, size_t unit, size_t n);
void bins_forget(BlockHeap *heap, size_t unit, size_t n);
void bins_cut(BlockHeap *heap, size_t unit, size_t n, size_t taken);

#endif
