/* Which stack of a WarmSpanCache holds spans of a size. */
#ifndef WARM_SPAN_H
#define WARM_SPAN_H

#include "page_stack.h"

/* NULL: no warm size. */
static inline PageStack *warm_span_stack(WarmSpanCache *cache, size_t npages)
{
    switch (npages) {
    case SPAN_64K_PAGES:
        return &cache->spans[0];
    case SPAN_128K_PAGES:
        return &cache->spans[1];
    case SPAN_2M_PAGES:
        return &cache->spans[2];
    default:
        return NULL;
    }
}

#endif
