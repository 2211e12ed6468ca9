#include "warm_span.h"

#include "config.h"
#include "os.h"

static size_t clamp(size_t capacity, size_t lowest, size_t highest)
{
    return min_size(max_size(capacity, lowest), highest);
}

bool warm_span_cache_init(WarmSpanCache *cache, size_t cap_64k, size_t cap_128k, size_t cap_2m)
{
    cap_64k = clamp(cap_64k, WARM_64K_LOWEST, WARM_64K_HIGHEST);
    cap_128k = clamp(cap_128k, WARM_128K_LOWEST, WARM_128K_HIGHEST);
    cap_2m = clamp(cap_2m, WARM_2M_LOWEST, WARM_2M_HIGHEST);
    void **entries = os_map_table((cap_64k + cap_128k + cap_2m) * sizeof *entries);
    if (entries == NULL)
        return false;
    entries = page_stack_use(&cache->spans[0], entries, cap_64k);
    entries = page_stack_use(&cache->spans[1], entries, cap_128k);
    page_stack_use(&cache->spans[2], entries, cap_2m);
    return true;
}

void warm_span_cache_shutdown(WarmSpanCache *cache)
{
    size_t capacity = 0;
    for (int i = 0; i < WARM_SIZES; i++)
        capacity += cache->spans[i].capacity;
    if (cache->spans[0].entries != NULL)
        os_unmap(cache->spans[0].entries, capacity * sizeof *cache->spans[0].entries);
    *cache = (WarmSpanCache){0};
}

static PageStack *stack_for(WarmSpanCache *cache, size_t size)
{
    return size % PAGE_BYTES == 0 ? warm_span_stack(cache, size >> PAGE_SHIFT) : NULL;
}

void *warm_span_alloc(WarmSpanCache *cache, size_t size)
{
    PageStack *stack = stack_for(cache, size);
    return stack != NULL ? page_stack_pop(stack) : NULL;
}

void *warm_span_free(WarmSpanCache *cache, void *span, size_t size)
{
    PageStack *stack = stack_for(cache, size);
    return stack != NULL ? page_stack_push(stack, span) : span;
}
