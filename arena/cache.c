#include "cache.h"

#include "budget.h"
#include "config.h"
#include "decay.h"
#include "page_map.h"
#include "purge.h"
#include "region.h"
#include "warm_span.h"

/* A stack asks for an eighth of its capacity at a time. */
#define GRANT_SHARE 8

/* The stacks of an arena: for pages, for spans, and for runs that are shorter. */
#define NSTACKS (1 + WARM_SIZES + SHORT_SIZES)
#define SHORT_LEAST ((size_t)2)

static PageStack *stack_at(PageArena *arena, size_t i)
{
    if (i == 0)
        return &arena->hot.pages;
    return i <= WARM_SIZES ? &arena->warm.spans[i - 1] : &arena->shorts.runs[i - 1 - WARM_SIZES];
}

/* The pages of what it holds. */
static size_t stack_pages(size_t i)
{
    static const size_t npages[] = {1, SPAN_64K_PAGES, SPAN_128K_PAGES, SPAN_2M_PAGES};
    return i <= WARM_SIZES ? npages[i] : i - 1 - WARM_SIZES + SHORT_LEAST;
}

/* The one that holds runs of this many pages; NULL if none does. */
static PageStack *stack_for(PageArena *arena, size_t npages)
{
    if (npages == 1)
        return &arena->hot.pages;
    return npages < SPAN_64K_PAGES ? &arena->shorts.runs[npages - SHORT_LEAST]
                                   : warm_span_stack(&arena->warm, npages);
}

bool cache_init(PageArena *arena)
{
    if (!hot_page_cache_init(&arena->hot, g_config.hot_size))
        return false;
    if (!warm_span_cache_init(&arena->warm, g_config.warm_64k, g_config.warm_128k,
                              g_config.warm_2m)) {
        hot_page_cache_shutdown(&arena->hot);
        return false;
    }
    for (size_t i = 0; i < SHORT_SIZES; i++)
        page_stack_use(&arena->shorts.runs[i], arena->shorts.entries[i],
                       SHORT_PAGES / (i + SHORT_LEAST));
    for (size_t i = 0; i < NSTACKS; i++)
        stack_at(arena, i)->quota = 0;
    return true;
}

void cache_fini(PageArena *arena)
{
    hot_page_cache_shutdown(&arena->hot);
    warm_span_cache_shutdown(&arena->warm);
}

/* Takes a listed span, as far as it is still cached; NO_PAGE unless all of it was. */
static size_t claim_cached(void *addr, size_t npages)
{
    size_t first = region_page((uintptr_t)addr);
    size_t end = first + npages;
    struct run run = page_map_take_next(PAGE_CACHED, first, end);
    if (likely(run.npages == npages))
        return first;
    for (; run.npages != 0; run = page_map_take_next(PAGE_CACHED, run.first + run.npages, end))
        region_free(run.first, run.npages);
    return NO_PAGE;
}

size_t cache_take(PageArena *arena, size_t npages)
{
    PageStack *stack = stack_for(arena, npages);
    void *addr;
    while (stack != NULL && (addr = page_stack_pop(stack)) != NULL) {
        size_t first = claim_cached(addr, npages);
        if (likely(first != NO_PAGE))
            return first;
    }
    return NO_PAGE;
}

/* Asks for a larger grant where it is used up. */
static void make_room(PageArena *arena, PageStack *stack, size_t npages)
{
    if (likely(stack->count < stack->quota) || stack->quota >= stack->capacity)
        return;
    size_t wanted = min_size(align_up(stack->capacity, GRANT_SHARE) / GRANT_SHARE,
                             stack->capacity - stack->quota);
    stack->quota += budget_grant(npages, wanted);
    purge_excess();
    decay_soon(arena);
}

bool cache_put(PageArena *arena, size_t first, size_t npages)
{
    PageStack *stack = stack_for(arena, npages);
    if (stack == NULL || (npages >= SPAN_64K_PAGES && first % npages != 0))
        return false;
    make_room(arena, stack, npages);
    if (unlikely(page_stack_push(stack, region_addr(first)) != NULL))
        return false;
    page_map_set(PAGE_CACHED, first, npages);
    return true;
}

static void flush_stack(PageStack *stack, size_t npages)
{
    for (size_t count = stack->count; count != 0; count--) {
        size_t first = claim_cached(stack->entries[count - 1], npages);
        __atomic_store_n(&stack->count, count - 1, __ATOMIC_RELEASE);
        if (first != NO_PAGE)
            region_free(first, npages);
    }
    stack->least = 0;
    budget_return(npages, stack->quota);
    stack->quota = 0;
}

void cache_flush(PageArena *arena)
{
    for (size_t i = 0; i < NSTACKS; i++)
        flush_stack(stack_at(arena, i), stack_pages(i));
}

/*
 * From the bottom of the stack; and what it is granted beyond what stays. A fork may come at any time,
 * and others look on (cache_steal): what moves down stands twice a while.
 */
static size_t decay_stack(PageStack *stack, size_t npages)
{
    size_t stale = min_size(stack->least, stack->count);
    size_t freed = 0;
    for (size_t i = 0; i < stale; i++) {
        size_t first = claim_cached(stack->entries[i], npages);
        if (first == NO_PAGE)
            continue;
        region_free(first, npages);
        freed += npages;
    }
    for (size_t i = stale; stale != 0 && i < stack->count; i++)
        __atomic_store_n(&stack->entries[i - stale], stack->entries[i], __ATOMIC_RELAXED);
    __atomic_store_n(&stack->count, stack->count - stale, __ATOMIC_RELEASE);
    stack->least = stack->count;
    budget_return(npages, stack->quota - stack->count);
    stack->quota = stack->count;
    return freed;
}

size_t cache_decay(PageArena *arena)
{
    size_t freed = 0;
    for (size_t i = 0; i < NSTACKS; i++)
        freed += decay_stack(stack_at(arena, i), stack_pages(i));
    return freed;
}

size_t cache_steal(const PageArena *arena, struct run *runs, size_t nruns)
{
    size_t taken = 0;
    for (size_t i = 0; i < NSTACKS; i++) {
        const PageStack *stack = stack_at((PageArena *)arena, i);
        size_t count = __atomic_load_n(&stack->count, __ATOMIC_ACQUIRE);
        for (size_t k = 0; k < count && taken < nruns; k++) {
            void *addr = __atomic_load_n(&stack->entries[k], __ATOMIC_RELAXED);
            size_t first = claim_cached(addr, stack_pages(i));
            if (first != NO_PAGE)
                runs[taken++] = (struct run){first, stack_pages(i)};
        }
    }
    return taken;
}
