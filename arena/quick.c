#include "quick.h"

bool quick_drain(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    if (heap->nquick == 0)
        return false;
    for (size_t n = RUN_LEAST; n <= RUN_MOST; n++) {
        while (heap->quick[n] != 0) {
            size_t unit = heap->quick[n] - 1;
            heap->quick[n] = g_tags[unit / PAGE_UNITS].left;
            count_add(&heap->nquick, -n);
            chunk_put(arena, unit, n);
        }
        heap->quick_filled[n / 64] &= ~((uint64_t)1 << n % 64);
    }
    return true;
}
