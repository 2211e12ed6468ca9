#include "bins.h"

_Static_assert(CHUNK_UNITS *PAGE_UNITS + PAGE_UNITS <= UINT16_MAX + 1, "tags");

struct tag *g_tags;

/* Where it is said what comes before the next of a list; of none: a place of the heap's own. */
static inline uint32_t *link_back(BlockHeap *heap, uint32_t next)
{
    return (uint32_t *)choose_size(next != 0, (uintptr_t)&bins_tag(next - 1)->prev,
                                   (uintptr_t)&heap->prev_of_none);
}

/* Where it is said what comes behind the one before. */
static inline uint32_t *link_on(BlockHeap *heap, uint32_t prev, size_t bin)
{
    return (uint32_t *)choose_size(prev != 0, (uintptr_t)&bins_tag(prev - 1)->next,
                                   (uintptr_t)&heap->bins[bin]);
}

static inline void list(BlockHeap *heap, size_t unit, size_t n)
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
}

static inline void unlist(BlockHeap *heap, size_t unit, size_t n)
{
    const struct tag *tag = bins_tag(unit);
    size_t bin = bins_of(n);
    uint32_t next = tag->next;
    *link_back(heap, next) = tag->prev;
    *link_on(heap, tag->prev, bin) = next;
    heap->filled[bin / 64] &= ~((uint64_t)(heap->bins[bin] == 0) << bin % 64);
}

void bins_insert(BlockHeap *heap, size_t unit, size_t n)
{
    list(heap, unit, n);
    if (unlikely(n == CHUNK_UNITS))
        heap->whole = (uint32_t)unit + 1;
    count_add(&heap->nfree, n);
}

static inline void forget_start(BlockHeap *heap, size_t unit, size_t n)
{
    bins_tag(unit)->starts = 0;
    if (unlikely(heap->whole == unit + 1))
        heap->whole = 0;
    count_add(&heap->nfree, -n);
}

void bins_forget(BlockHeap *heap, size_t unit, size_t n)
{
    forget_start(heap, unit, n);
    bins_tag(unit + n - 1)->ends = 0;
}

void bins_take_out(BlockHeap *heap, size_t unit, size_t n)
{
    unlist(heap, unit, n);
    bins_forget(heap, unit, n);
}

void bins_cut(BlockHeap *heap, size_t unit, size_t n, size_t taken)
{
    unlist(heap, unit, n);
    forget_start(heap, unit, taken);
    list(heap, unit + taken, n - taken);
}
