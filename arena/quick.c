#include "quick.h"

#define WORDS (sizeof((BlockHeap *)0)->quick_filled / sizeof(uint64_t))

/* Whether a run that is kept lies beside a free one, or before another that is kept, which is joined next then. */
static bool can_be_joined(size_t unit, size_t n)
{
    size_t end = unit + n;
    return (unit % CHUNK_UNITS != 0 && bins_run_until(unit - 1) != 0) ||
           (end % CHUNK_UNITS != 0 && (bins_run_from(end) != 0 || block_tag_is_kept(end)));
}

static void put_back(PageArena *arena, size_t unit, size_t n)
{
    block_tag_set(unit / PAGE_UNITS, 0);
    chunk_put(arena, unit, n);
}

/* Puts back the runs of n units that can be joined. */
static void join(PageArena *arena, size_t n)
{
    BlockHeap *heap = &arena->blocks;
    uint32_t *link = &heap->quick[n];
    while (*link != 0) {
        size_t unit = *link - 1;
        uint32_t *next = &g_tags[unit / PAGE_UNITS].left;
        if (likely(!can_be_joined(unit, n))) {
            link = next;
            continue;
        }
        *link = *next;
        count_add(&heap->nquick, -n);
        put_back(arena, unit, n);
    }
    heap->quick_filled[n / 64] &= ~((uint64_t)(heap->quick[n] == 0) << n % 64);
}

static void join_some(PageArena *arena)
{
    for (size_t i = 0; i < WORDS; i++)
        for (uint64_t left = arena->blocks.quick_filled[i]; left != 0; left &= left - 1)
            join(arena, i * 64 + (size_t)__builtin_ctzl(left));
}

bool quick_join(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    bool all = heap->nmissed * 8 <= heap->nquick * QUICK_JOINED_EIGHTHS;
    heap->nmissed = 0;
    if (all || heap->nquick == 0)
        return quick_drain(arena);
    join_some(arena);
    return true;
}

bool quick_drain(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    if (heap->nquick == 0)
        return false;
    for (size_t i = 0; i < WORDS; i++)
        while (heap->quick_filled[i] != 0) {
            size_t n = i * 64 + (size_t)__builtin_ctzl(heap->quick_filled[i]);
            put_back(arena, quick_pop(heap, n), n);
        }
    quick_refresh(heap);
    return true;
}
