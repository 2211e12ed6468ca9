#include "page_arena.h"

#include "block.h"
#include "config.h"
#include "os.h"
#include "purge.h"
#include "region.h"
#include "router.h"
#include "start.h"
#include "stats.h"
#include "thread.h"

/*
 * NULL and the thread's own arena go through thread_enter, which tells whether the thread is inside
 * already; another arena is the caller's to guard.
 */
static PageArena *enter(PageArena *arena)
{
    return arena == NULL || arena == g_page_arena ? thread_enter() : arena;
}

static void leave(PageArena *arena)
{
    if (arena != NULL && arena == g_page_arena)
        thread_leave(arena);
    else if (arena != NULL)
        thread_count_call(arena);
}

bool page_arena_init(PageArena *arena)
{
    if (!start_arena() || !router_init_arena(arena))
        return false;
    if (thread_register(arena))
        return true;
    router_fini_arena(arena);
    return false;
}

void page_arena_shutdown(PageArena *arena)
{
    if (thread_unregister(arena))
        router_fini_arena(arena);
}

/* Aligned memory from the kernel itself; what sticks out at either end goes back. */
static void *map_cold(size_t nbytes, size_t alignment)
{
    size_t room;
    if (alignment <= PAGE_BYTES)
        return os_map(nbytes);
    if (__builtin_add_overflow(nbytes, alignment, &room))
        return NULL;
    char *start = os_map(room);
    if (start == NULL)
        return NULL;
    char *aligned = (char *)align_up((uintptr_t)start, alignment);
    if (aligned != start)
        os_unmap(start, (size_t)(aligned - start));
    os_unmap(aligned + nbytes, (size_t)(start + room - (aligned + nbytes)));
    return aligned;
}

void *page_arena_alloc_aligned(PageArena *arena, size_t size, size_t alignment)
{
    if (size == 0 || size > PTRDIFF_MAX || !is_power_of_two(alignment))
        return NULL;
    size_t npages = pages_for(size);
    unsigned order = natural_order(npages);
    if (alignment > PAGE_BYTES << order)
        order = (unsigned)__builtin_ctzl(alignment >> PAGE_SHIFT);
    void *addr = NULL;
    PageArena *own = start_arena() ? enter(arena) : NULL;
    if (own != NULL) {
        addr = router_map(own, npages, order, 0);
        count_add(&own->mmap_calls, addr == NULL);
        leave(own);
    }
    return addr != NULL ? addr : map_cold(npages * PAGE_BYTES, PAGE_BYTES << order);
}

void *page_arena_alloc_pages(PageArena *arena, size_t size)
{
    return page_arena_alloc_aligned(arena, size, PAGE_BYTES);
}

void page_arena_free_pages(PageArena *arena, void *ptr, size_t size)
{
    if (ptr == NULL || size == 0)
        return;
    if (!region_owns((uintptr_t)ptr)) {
        os_unmap(ptr, pages_for(size) * PAGE_BYTES);
        return;
    }
    PageArena *own = enter(arena);
    router_free_live(own, region_page((uintptr_t)ptr), pages_for(size));
    leave(own);
}

void page_arena_free_aligned(PageArena *arena, void *ptr, size_t size)
{
    page_arena_free_pages(arena, ptr, size);
}

void page_arena_purge(void)
{
    PageArena *own = start_arena() ? thread_enter() : NULL;
    if (own == NULL)
        return;
    block_flush(own);
    purge_everything();
    thread_leave(own);
}

void page_arena_print_stats(const PageArena *arena)
{
    stats_print(arena, 2);
}

bool page_arena_enabled(void)
{
    start_arena();
    return g_config.enable;
}

size_t page_arena_hot_size(void)
{
    start_arena();
    return g_config.hot_size;
}

size_t page_arena_warm_64k_size(void)
{
    start_arena();
    return g_config.warm_64k;
}

size_t page_arena_warm_128k_size(void)
{
    start_arena();
    return g_config.warm_128k;
}

size_t page_arena_warm_2m_size(void)
{
    start_arena();
    return g_config.warm_2m;
}
