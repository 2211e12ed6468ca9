/*
 * The bounded LIFO that hot and warm caches are made of. Not synchronised: one owner.
 *
 * A signal handler or a fork may look at it between any two instructions: an entry is stored before
 * it is counted.
 */
#ifndef PAGE_STACK_H
#define PAGE_STACK_H

#include "defs.h"
#include "page_arena.h"

/* Entries for npages stacks come from one array; page_stack_use takes the stack's part of it. */
static inline void **page_stack_use(PageStack *stack, void **entries, size_t capacity)
{
    *stack = (PageStack){.entries = entries, .capacity = capacity, .quota = capacity};
    return entries + capacity;
}

static inline void *page_stack_pop(PageStack *stack)
{
    if (unlikely(stack->count == 0)) {
        count_add(&stack->misses, 1);
        return NULL;
    }
    void *entry = stack->entries[stack->count - 1];
    __atomic_store_n(&stack->count, stack->count - 1, __ATOMIC_RELEASE);
    if (unlikely(stack->count < stack->least))
        stack->least = stack->count;
    count_add(&stack->hits, 1);
    return entry;
}

/* NULL: kept. Otherwise the entry itself, which finds no room. */
static inline void *page_stack_push(PageStack *stack, void *entry)
{
    count_add(&stack->frees, 1);
    if (unlikely(stack->count >= stack->quota)) {
        count_add(&stack->evictions, 1);
        return entry;
    }
    __atomic_store_n(&stack->entries[stack->count], entry, __ATOMIC_RELAXED);
    __atomic_store_n(&stack->count, stack->count + 1, __ATOMIC_RELEASE);
    return NULL;
}

#endif
