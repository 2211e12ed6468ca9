#include "quick.h"

#define WORDS (sizeof((BlockHeap *)0)->quick_filled / sizeof(uint64_t))

bool quick_drain(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    if (heap->nquick == 0)
        return false;
    for (size_t i = 0; i < WORDS; i++)
        while (heap->quick_filled[i] != 0) {
            size_t n = i * 64 + (size_t)__builtin_ctzl(heap->quick_filled[i]);
            chunk_put(arena, quick_pop(heap, n), n);
        }
    return true;
}
