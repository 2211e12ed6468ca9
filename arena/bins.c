#include "bins.h"

_Static_assert(CHUNK_UNITS *PAGE_UNITS + PAGE_UNITS <= UINT16_MAX + 1, "tags");

struct tag *g_tags;

/* The link back of the next in a list; of none: a place of the heap's own, without a branch. */
static inline uint32_t *link_back(BlockHeap *heap, uint32_t next)
{
    return next != 0 ? &bins_tag(next - 1)->prev : &heap->prev_of_none;
}

void bins_insert(BlockHeap *heap, size_t unit, size_t n)
{
    struct tag *first = bins_tag(unit);
    size_t bin = bins_of(n);
    uint32_t head = heap->bins[bin];
    first->starts = (uint16_t)(n * PAGE_UNITS + unit % PAGE_UNITS);
    bins_tag(unit + n - 1)->ends = (uint16_t)(n * PAGE_UNITS + (unit + n - 1) % PAGE_UNITS);
    first->prev = 0;
    first->next = head;
    *link_back(heap, head) = (uint32_t)unit + 1;
    heap->bins[bin] = (uint32_t)unit + 1;
    heap->filled[bin / 64] |= (uint64_t)1 << bin % 64;
    if (unlikely(n == CHUNK_UNITS))
        heap->whole = (uint32_t)unit + 1;
    count_add(&heap->nfree, n);
}

void bins_forget(BlockHeap *heap, size_t unit, size_t n)
{
    bins_tag(unit)->starts = 0;
    bins_tag(unit + n - 1)->ends = 0;
    if (unlikely(heap->whole == unit + 1))
        heap->whole = 0;
    count_add(&heap->nfree, -n);
}

void bins_take_out(BlockHeap *heap, size_t unit, size_t n)
{
    const struct tag *tag = bins_tag(unit);
    size_t bin = bins_of(n);
    *link_back(heap, tag->next) = tag->prev;
    if (tag->prev != 0)
        bins_tag(tag->prev - 1)->next = tag->next;
    else if ((heap->bins[bin] = tag->next) == 0)
        heap->filled[bin / 64] &= ~((uint64_t)1 << bin % 64);
    bins_forget(heap, unit, n);
}
