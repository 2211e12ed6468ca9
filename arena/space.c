#include "space.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "block.h"
#include "huge.h"
#include "os.h"
#include "purge.h"
#include "router.h"
#include "thread.h"
#include "trace.h"
#include "unit_block.h"
#include "zero.h"

/*
 * Growing by a copy: what is larger, the kernel moves faster; what grows by less than this share of
 * its size would be copied too often.
 */
#define COPIED_PAGES_MOST ((size_t)512)
#define COPIED_SHARE 4

/* Blocks of so many bytes are often touched in parts only. */
#define SPARSE_LEAST ((size_t)256 << 10)

static size_t first_page(struct range range)
{
    return region_page(range.start);
}

static size_t page_count(struct range range)
{
    return (range.end - range.start) >> PAGE_SHIFT;
}

struct range space_clip(struct range range)
{
    if (!space_overlaps(range))
        return (struct range){range.start, range.start};
    return (struct range){max_size(range.start, g_region.base),
                          min_size(range.end, g_region.base + g_region.nbytes)};
}

/* Notes what is about to be done; not in a signal handler that interrupted the library. */
static void trace_call(enum trace_op op, size_t page, size_t count)
{
    PageArena *arena = unlikely(g_trace) ? thread_enter() : NULL;
    if (arena == NULL)
        return;
    trace(arena, op, page, count);
    thread_leave(arena);
}

/* Memory of which the first `held` pages are for the caller to overwrite. */
static inline void *map_held(size_t npages, size_t held)
{
    PageArena *arena = thread_enter();
    if (unlikely(arena == NULL))
        return NULL;
    void *addr = router_map(arena, npages, 0, held);
    if (unlikely(addr == NULL))
        count_add(&arena->mmap_calls, 1);
    thread_leave(arena);
    return addr;
}

void *space_map(size_t nbytes)
{
    return map_held(pages_for(nbytes), 0);
}

/* Pages that are not resident must not become so by being copied. */
static bool is_resident(struct range range)
{
    unsigned char residency[COPIED_PAGES_MOST];
    while (range.start != range.end) {
        size_t npages = min_size(page_count(range), COPIED_PAGES_MOST);
        if (!os_resident((void *)range.start, npages, residency))
            return false;
        for (size_t i = 0; i < npages; i++)
            if ((residency[i] & 1) == 0)
                return false;
        range.start += npages << PAGE_SHIFT;
    }
    return true;
}

void space_copy(void *to, struct range from)
{
    zero_copy(to, first_page(from), page_count(from));
}

void *space_grow(struct range old, size_t nbytes)
{
    size_t npages = page_count(old);
    size_t growth = pages_for(nbytes) - npages;
    if (npages > COPIED_PAGES_MOST || growth < npages / COPIED_SHARE || space_is_odd(old) ||
        !is_resident(old))
        return NULL;
    trace_call(TRACE_MOVE, first_page(old), nbytes);
    void *addr = map_held(npages + growth, npages);
    if (addr == NULL)
        return NULL;
    __builtin_memcpy(addr, (void *)old.start, npages * PAGE_BYTES);
    space_unmap(old);
    return addr;
}

/* What is not kept. */
static __attribute__((noinline)) void *miss(PageArena *arena, size_t nbytes)
{
    void *block = !router_is_suspended() ? block_alloc_missed(arena, nbytes) : NULL;
    thread_let_own_go(arena);
    return block;
}

void *space_block_usual(size_t nbytes)
{
    PageArena *arena = thread_enter_briefly();
    if (unlikely(arena == NULL))
        return NULL;
    void *block = unit_block_kept(arena, nbytes);
    if (unlikely(block == NULL))
        return miss(arena, nbytes);
    thread_let_own_go(arena);
    return block;
}

void *space_block(size_t nbytes, size_t alignment, bool zero)
{
    PageArena *arena = thread_enter();
    if (unlikely(arena == NULL))
        return NULL;
    void *block = block_alloc(arena, nbytes, alignment, zero);
    thread_leave(arena);
    return block;
}

bool space_holds_block(const void *addr)
{
    return block_tag_at(region_page((uintptr_t)addr)) != 0;
}

size_t space_block_bytes(const void *block)
{
    return block_bytes(block);
}

size_t space_block_keep(void *block)
{
    PageArena *arena = thread_enter_briefly();
    if (unlikely(arena == NULL))
        return 0;
    size_t nbytes = unit_block_keep(arena, block);
    thread_let_own_go(arena);
    return nbytes;
}

size_t space_block_free(void *block)
{
    PageArena *arena = thread_enter();
    if (unlikely(arena == NULL))
        return block_free(NULL, block);
    size_t nbytes = block_free(arena, block);
    thread_leave(arena);
    return nbytes;
}

static void *slide(void *block, size_t nbytes)
{
    PageArena *arena = thread_enter();
    if (arena == NULL)
        return NULL;
    void *moved = block_slide(arena, block, nbytes);
    thread_leave(arena);
    return moved;
}

void *space_block_move(void *block, size_t nbytes)
{
    size_t held = min_size(block_bytes(block), nbytes);
    struct range old = range_of(block, held);
    bool whole_pages = ((old.start | old.end) & (PAGE_BYTES - 1)) == 0;
    trace_call(TRACE_MOVE, first_page(old), nbytes);
    bool dense = held < SPARSE_LEAST || !whole_pages || is_resident(old);
    void *moved = dense && nbytes > held ? slide(block, nbytes) : NULL;
    if (moved != NULL)
        return moved;
    moved = space_block(nbytes, 1, !dense);
    if (moved == NULL)
        return NULL;
    if (dense)
        __builtin_memcpy(moved, block, held);
    else
        space_copy(moved, old);
    space_block_free(block);
    return moved;
}

bool space_block_resize(void *block, size_t nbytes)
{
    PageArena *arena = thread_enter();
    if (arena == NULL)
        return false;
    bool resized = block_resize(arena, block, nbytes);
    thread_leave(arena);
    return resized;
}

static bool is_inside(struct range range)
{
    struct range inside = space_clip(range);
    return range.start < range.end && inside.start == range.start && inside.end == range.end;
}

bool space_map_at(struct range range)
{
    PageArena *arena = is_inside(range) ? thread_enter() : NULL;
    if (arena == NULL)
        return false;
    bool mapped = router_map_at(arena, first_page(range), page_count(range), 0);
    thread_leave(arena);
    return mapped;
}

void space_unmap(struct range range)
{
    range = space_clip(range);
    if (range.start == range.end)
        return;
    PageArena *arena = thread_enter();
    router_free_live(arena, first_page(range), page_count(range));
    if (likely(arena != NULL))
        thread_leave(arena);
}

/* In a forked child: what its parent has under MADV_DONTFORK is not live here. */
static void settle_fork(void)
{
    PageArena *arena = thread_enter();
    if (arena != NULL)
        thread_leave(arena);
}

struct range space_next_live(struct range range)
{
    settle_fork();
    struct run run =
        page_map_next(PAGE_LIVE, true, first_page(range), first_page(range) + page_count(range));
    uintptr_t start = g_region.base + (run.first << PAGE_SHIFT);
    return (struct range){start, start + (run.npages << PAGE_SHIFT)};
}

bool space_has_live(struct range range)
{
    struct range inside = space_clip(range);
    return inside.end - inside.start < range.end - range.start ||
           page_map_any(PAGE_LIVE, first_page(inside), page_count(inside));
}

bool space_is_live(struct range range)
{
    settle_fork();
    return page_map_count(PAGE_LIVE, first_page(range), page_count(range)) == page_count(range);
}

/* Calls `act` on every live stretch of a range. */
static void each_live(struct range range, void (*act)(enum page_bit, size_t, size_t),
                      enum page_bit how)
{
    range = space_clip(range);
    while (range.start != range.end) {
        struct range live = space_next_live(range);
        if (live.start != live.end)
            act(how, first_page(live), page_count(live));
        range.start = live.end;
    }
}

void space_mark(enum page_bit how, struct range range)
{
    if (how == PAGE_TORN || how == PAGE_LENT)
        space_settle(range);
    each_live(range, odd_mark, how);
}

void space_unmark(enum page_bit how, struct range range)
{
    each_live(range, odd_unmark, how);
}

void *space_reserve(size_t nbytes)
{
    PageArena *arena = thread_enter();
    if (arena == NULL)
        return NULL;
    void *addr = router_reserve(arena, pages_for(nbytes));
    if (addr == NULL)
        count_add(&arena->mmap_calls, 1);
    thread_leave(arena);
    return addr;
}

bool space_reserve_at(struct range range)
{
    PageArena *arena = is_inside(range) ? thread_enter() : NULL;
    if (arena == NULL)
        return false;
    bool reserved = router_reserve_at(arena, first_page(range), page_count(range));
    thread_leave(arena);
    return reserved;
}

bool space_is_reserved(struct range range)
{
    return page_map_count(PAGE_RESERVED, first_page(range), page_count(range)) == page_count(range);
}

void space_settle(struct range range)
{
    range = space_clip(range);
    if (range.start != range.end)
        page_map_clear(PAGE_RESERVED, first_page(range), page_count(range));
}

void space_commit(struct range range)
{
    space_settle(range);
    range = space_clip(range);
    if (range.start != range.end)
        trace_call(TRACE_COMMIT, first_page(range), page_count(range));
}

bool space_is_odd(struct range range)
{
    return page_map_any(PAGE_ODD, first_page(range), page_count(range));
}

bool space_is_uniform(struct range range)
{
    return odd_is_uniform(first_page(range), page_count(range));
}

void space_join(struct range range)
{
    range = space_clip(range);
    if (range.start != range.end)
        huge_join(first_page(range), page_count(range));
}

void space_unfold(struct range range)
{
    range = space_clip(range);
    if (range.start != range.end)
        huge_unfold(first_page(range), page_count(range));
}

void space_discarded(struct range range)
{
    range = space_clip(range);
    if (range.start == range.end)
        return;
    page_map_clear(PAGE_DIRTY, first_page(range), page_count(range));
    huge_discarded(first_page(range), page_count(range));
}

bool space_is_sealed(struct range range)
{
    return page_map_any(PAGE_SEALED, first_page(range), page_count(range));
}

enum claim space_claim(struct range range, bool vacant)
{
    range = space_clip(range);
    space_settle(range);
    PageArena *arena = thread_enter();
    enum claim claim = claim_begin(first_page(range), page_count(range), vacant, arena != NULL);
    if (arena != NULL)
        thread_leave(arena);
    return claim;
}

void space_claim_end(struct range range, bool torn)
{
    range = space_clip(range);
    claim_end(first_page(range), page_count(range), torn);
}

/* Advice that changes nothing says whether all of it is mapped. */
static void unmark_mapped(enum page_bit how, size_t first, size_t npages)
{
    if (os_advise(region_addr(first), npages * PAGE_BYTES, MADV_NORMAL))
        odd_unmark(how, first, npages);
}

void space_claim_undo(struct range range, bool was_plain)
{
    range = space_clip(range);
    /* Before others can get what was not live. */
    if (was_plain)
        each_live(range, unmark_mapped, PAGE_TORN);
    claim_undo(first_page(range), page_count(range));
}

/* With `addresses`, also what was never used. */
static void give_back(bool addresses)
{
    PageArena *arena = thread_enter();
    if (arena == NULL)
        return;
    block_flush(arena);
    purge_everything();
    if (addresses) {
        region_trim();
        block_trim();
    }
    thread_leave(arena);
}

bool space_relieve(void)
{
    bool limited = os_limit(RLIMIT_AS) != SIZE_MAX;
    size_t used = region_used_pages();
    bool retains = region_dirty_pages() != 0 || page_map_any(PAGE_CACHED, 0, used) ||
                   block_keeps(g_page_arena);
    bool reserves = limited && used << PAGE_SHIFT < g_region.nbytes;
    if (retains || reserves)
        give_back(reserves);
    return retains || reserves;
}

void space_trim(void)
{
    give_back(true);
}

void space_suspend(void)
{
    router_suspend(true);
    give_back(true);
    region_unmap_free();
}

void space_resume(void)
{
    router_suspend(false);
}
