#include "config.h"
#include "os.h"
#include "page_stack.h"

static size_t clamp(size_t capacity)
{
    capacity = min_size(max_size(capacity, HOT_SIZE_LOWEST), HOT_SIZE_HIGHEST);
    return (size_t)1 << (64 - __builtin_clzl(capacity - 1));
}

bool hot_page_cache_init(HotPageCache *cache, size_t capacity)
{
    capacity = clamp(capacity);
    void **entries = os_map_table(capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    page_stack_use(&cache->pages, entries, capacity);
    return true;
}

void hot_page_cache_shutdown(HotPageCache *cache)
{
    if (cache->pages.entries != NULL)
        os_unmap(cache->pages.entries, cache->pages.capacity * sizeof *cache->pages.entries);
    *cache = (HotPageCache){0};
}

void *hot_page_alloc(HotPageCache *cache)
{
    return page_stack_pop(&cache->pages);
}

void *hot_page_free(HotPageCache *cache, void *page)
{
    return page_stack_push(&cache->pages, page);
}
