#include "router.h"

#include "cache.h"
#include "config.h"
#include "decay.h"
#include "guard.h"
#include "huge.h"
#include "odd.h"
#include "os.h"
#include "purge.h"
#include "region.h"
#include "thread.h"
#include "trace.h"
#include "zero.h"

/* What the groups of arenas are of the region at most. */
#define GROUPS_SHARE 128

/* For spans of so many pages a look at the clock costs nothing to speak of. */
#define CHECKED_LEAST 64

bool g_router_suspended;

/* That were ever made. */
static size_t narenas;

bool router_init_arena(PageArena *arena)
{
    *arena = (PageArena){.busy = THREAD_IDLE, .until_look = 1};
    if (!cache_init(arena))
        return false;
    __atomic_fetch_add(&narenas, 1, __ATOMIC_RELAXED);
    return true;
}

/*
 * Threads whose pages are described by the same words of the page map would write the same cache line
 * with each call. So the first short runs of each arena are from a group of its own, once there are
 * several; what the group has besides is everybody's. In all they are no more than a share of the
 * region. Returns the second page of the group, or NO_GROUP.
 */
#define NO_GROUP (-(size_t)GROUP_PAGES)
static size_t ngroups;

static size_t find_group(void)
{
    size_t most = g_config.thp != THP_ALWAYS
                      ? (g_region.nbytes >> PAGE_SHIFT) / GROUP_PAGES / GROUPS_SHARE
                      : 0;
    if (__atomic_load_n(&ngroups, __ATOMIC_RELAXED) >= most)
        return NO_GROUP;
    size_t first = region_alloc(GROUP_PAGES, GROUP_ORDER);
    if (first == NO_PAGE)
        return NO_GROUP;
    __atomic_fetch_add(&ngroups, 1, __ATOMIC_RELAXED);
    region_free(first, GROUP_PAGES);
    return first + 1;
}

static void leave_group(PageArena *arena)
{
    if (arena->next_short != 0 && arena->next_short != NO_GROUP)
        __atomic_fetch_sub(&ngroups, 1, __ATOMIC_RELAXED);
    arena->next_short = 0;
}

static size_t alloc_short(PageArena *arena, size_t npages)
{
    if (arena->next_short == 0 && __atomic_load_n(&narenas, __ATOMIC_RELAXED) > 1)
        arena->next_short = find_group();
    while (arena->next_short % GROUP_PAGES != 0 &&
           arena->next_short % GROUP_PAGES + npages <= GROUP_PAGES) {
        size_t first = arena->next_short++;
        if (page_map_count(PAGE_FREE, first, npages) == npages && region_take(first, npages)) {
            arena->next_short = first + npages;
            return first;
        }
    }
    return region_alloc(npages, 0);
}

/* In flight, not cleared, naturally aligned at least; NO_PAGE if there is none to be had. */
__attribute__((nonnull)) static size_t alloc_pages(PageArena *arena, size_t npages, unsigned order,
                                                   void (*prepare)(size_t, size_t))
{
    unsigned natural = natural_order(npages);
    natural = natural < region_order() ? natural : region_order();
    order = order > natural ? order : natural;
    size_t first = order <= natural ? cache_take(arena, npages) : NO_PAGE;
    if (likely(first != NO_PAGE))
        return first;
    if (!router_is_suspended())
        first = npages < SPAN_64K_PAGES && order == 0 ? alloc_short(arena, npages)
                                                      : region_alloc(npages, order);
    if (first != NO_PAGE)
        prepare(first, npages);
    return first;
}

void router_put_in_region(PageArena *arena, size_t first, size_t npages)
{
    region_free(first, npages);
    purge_excess();
    if (npages >= CHECKED_LEAST)
        decay_soon(arena);
}

void router_put(PageArena *arena, size_t first, size_t npages)
{
    if (!likely(cache_put(arena, first, npages)))
        router_put_in_region(arena, first, npages);
}

void router_suspend(bool now)
{
    __atomic_store_n(&g_router_suspended, now, __ATOMIC_RELAXED);
}

/* Puts a fresh mapping in the place of pages. False: they are lost. */
static bool replace_pages(size_t first, size_t npages)
{
    bool keep = !router_is_suspended();
    bool accessible = keep && g_config.guard != 1;
    void *addr = region_addr(first);
    size_t nbytes = npages * PAGE_BYTES;
    if (!keep)
        os_unmap(addr, nbytes);
    if (!keep || !huge_replace(first, npages, accessible)) {
        page_map_set(PAGE_LOST, first, npages);
        return false;
    }
    page_map_clear(PAGE_DIRTY, first, npages);
    return true;
}

/* Notes what is dirty. With no arena the pages go where nobody may look for long: give them back. */
static void retire(PageArena *arena, size_t first, size_t npages)
{
    if (likely(arena != NULL))
        zero_retire(first, npages, &arena->density);
    else if (!zero_purge(first, npages)) {
        page_map_set(PAGE_DIRTY, first, npages);
        zero_scrub(first, npages);
    }
}

/* The same for pages of which some may be reserved: these only the kernel can have written to (/proc/self/mem). */
static void retire_odd(PageArena *arena, size_t first, size_t npages)
{
    for (size_t end = first + npages; first < end;) {
        struct run reserved = page_map_next(PAGE_RESERVED, true, first, end);
        if (reserved.first != first)
            retire(arena, first, reserved.first - first);
        if (reserved.npages != 0)
            zero_ask(reserved.first, reserved.npages);
        first = reserved.first + reserved.npages;
    }
}

/* A run that is all odd or all plain. */
static void free_uniform(PageArena *arena, size_t first, size_t npages, bool odd)
{
    bool replace =
        g_config.guard != 0 || router_is_suspended() || (odd && !odd_undo(first, npages));
    if (unlikely(replace)) {
        if (g_trace)
            trace_free(arena, first, npages);
        if (!(g_trace && !odd && zero_purge(first, npages)) && !replace_pages(first, npages))
            return;
    } else if (unlikely(odd)) {
        huge_follow(first, npages);
        retire_odd(arena, first, npages);
    } else {
        retire(arena, first, npages);
    }

    if (unlikely(arena == NULL)) {
        region_defer(first, npages);
    } else if (unlikely(odd)) {
        region_free(first, npages);
        purge_excess();
    } else {
        router_put(arena, first, npages);
    }
}

void router_free(PageArena *arena, size_t first, size_t npages)
{
    size_t used = region_used_pages();
    size_t end = first + npages;
    if (unlikely(end > used)) {
        size_t above = max_size(first, used);
        region_reserve_again(above, end - above);
        end = above;
    }
    if (unlikely(g_config.guard != 0))
        guard_note(first, end - first);
    for (; first < end; first += npages) {
        struct run odd = page_map_next(PAGE_ODD, true, first, end);
        npages = odd.first == first ? odd.npages : odd.first - first;
        free_uniform(arena, first, npages, odd.first == first);
    }
}

void router_free_live(PageArena *arena, size_t first, size_t npages)
{
    struct run run;
    odd_expect(first, npages);
    for (size_t end = first + npages; first < end; first = run.first + run.npages) {
        run = page_map_take_next(PAGE_LIVE, first, end);
        if (run.npages != 0)
            router_free(arena, run.first, run.npages);
    }
    if (likely(arena != NULL))
        count_add(&arena->total_frees, 1);
}

static void hand_out(PageArena *arena, size_t first, size_t npages)
{
    page_map_set(PAGE_LIVE, first, npages);
    count_add(&arena->total_allocs, 1);
    count_add(&arena->bytes_out, npages * PAGE_BYTES);
}

/* Makes pages in flight the program's; the first `held` are not cleared. False: there is no memory. */
static bool make_live(PageArena *arena, size_t first, size_t npages, size_t held, bool at)
{
    if (unlikely(g_config.guard != 0) && !os_commit(region_addr(first), npages * PAGE_BYTES)) {
        region_free(first, npages);
        return false;
    }
    if (unlikely(g_trace))
        trace(arena, at ? TRACE_MAP_AT : TRACE_MAP, first, npages);
    zero_prepare(first + held, npages - held);
    hand_out(arena, first, npages);
    return true;
}

void *router_map(PageArena *arena, size_t npages, unsigned order, size_t held)
{
    size_t first = alloc_pages(arena, npages, order, huge_prepare);
    if (unlikely(first == NO_PAGE) || !make_live(arena, first, npages, held, false))
        return NULL;
    return region_addr(first);
}

void *router_map_sparse(PageArena *arena)
{
    size_t first = alloc_pages(arena, SUPER_PAGES, __builtin_ctzl(SUPER_PAGES), huge_decline);
    if (first == NO_PAGE || !make_live(arena, first, SUPER_PAGES, SUPER_PAGES, false))
        return NULL;
    return region_addr(first);
}

/* What is cached there is free as well. */
static bool take_at(size_t first, size_t npages)
{
    if (first + npages > region_used_pages() || page_map_any(PAGE_LIVE, first, npages))
        return false;
    region_free_cached(first, npages);
    return region_take(first, npages);
}

bool router_map_at(PageArena *arena, size_t first, size_t npages, size_t held)
{
    if (!take_at(first, npages))
        return false;
    huge_prepare(first, npages);
    return make_live(arena, first, npages, held, true);
}

/* Pages in flight that the kernel did not make inaccessible, or only some of them. */
static void give_up_reserving(size_t first, size_t npages)
{
    if (g_config.guard != 0 || os_commit(region_addr(first), npages * PAGE_BYTES))
        region_free(first, npages);
    else
        page_map_set(PAGE_LOST, first, npages);
}

/*
 * Makes pages in flight reserved ones. False: the kernel refuses. They are cleared now: once they can be
 * written to, another thread may do so before anything can be done here.
 */
static bool reserve(PageArena *arena, size_t first, size_t npages)
{
    bool dirty = page_map_any(PAGE_DIRTY, first, npages);
    if (dirty && npages > SUPER_PAGES && zero_purge(first, npages))
        huge_decline(first, npages);
    else if (dirty)
        zero_prepare(first, npages);
    if (!os_forbid(region_addr(first), npages * PAGE_BYTES)) {
        give_up_reserving(first, npages);
        return false;
    }
    page_map_set(PAGE_RESERVED, first, npages);
    odd_mark(PAGE_PROTECTED, first, npages);
    if (g_trace)
        trace(arena, TRACE_RESERVE, first, npages);
    hand_out(arena, first, npages);
    return true;
}

void *router_reserve(PageArena *arena, size_t npages)
{
    size_t first = alloc_pages(arena, npages, 0, huge_decline);
    return first != NO_PAGE && reserve(arena, first, npages) ? region_addr(first) : NULL;
}

bool router_reserve_at(PageArena *arena, size_t first, size_t npages)
{
    if (!take_at(first, npages))
        return false;
    huge_decline(first, npages);
    return reserve(arena, first, npages);
}

void router_flush(PageArena *arena)
{
    cache_flush(arena);
    leave_group(arena);
    purge_excess();
}

void router_fini_arena(PageArena *arena)
{
    router_flush(arena);
    cache_fini(arena);
}
