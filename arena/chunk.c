#include "chunk.h"

#include <string.h>

#include "block_tag.h"
#include "budget.h"
#include "huge.h"
#include "odd.h"
#include "os.h"
#include "page_map.h"
#include "purge.h"
#include "region.h"
#include "router.h"
#include "zero.h"

/* What an arena keeps it is granted by so much. */
#define GRANT_PAGES ((size_t)32)
#define GRANT_UNITS (GRANT_PAGES * PAGE_UNITS)

/*
 * The first chunk may be all that an arena ever needs, for a few blocks. And what has free runs, but none
 * that fits, does not grow much any more: of its next chunk it needs a part only. That shall not be a
 * huge page; in the second case as long as the process uses no more than this.
 */
#define SPARSE_MOST ((size_t)10 * SUPER_PAGES)
#define CHURNING_SHARE 32

/* What is not held back of such a chunk. */
#define LISTED_LEAST (CHUNK_UNITS * 3 / 4)

/* What quick lists hold is little, as a share of what is out. More is joined before new memory is used. */
#define LITTLE_QUICK_SHIFT 6

/* So many long runs are looked at for the best. */
#define LONG_MOST 8

/* Fewer whole pages in one piece are not worth their way to the region. */
#define GIVEN_LEAST 16

struct chunk *g_chunks;

/* Owners of chunks that have none: no arena is there. */
#define NOBODY ((PageArena *)1)
#define NOBODY_EVER ((PageArena *)2)

/* The sizes of both tables. */
static size_t tags_bytes, chunks_bytes;

static size_t tags_needed(void)
{
    return align_up((g_region.nbytes >> PAGE_SHIFT) * sizeof *g_tags, PAGE_BYTES);
}

static size_t chunks_needed(void)
{
    return align_up(g_region.nbytes / SUPER_BYTES * sizeof *g_chunks, PAGE_BYTES);
}

bool chunk_init(void)
{
    tags_bytes = tags_needed();
    chunks_bytes = chunks_needed();
    g_tags = os_map_table(tags_bytes);
    g_chunks = os_map_table(chunks_bytes);
    return g_tags != NULL && g_chunks != NULL && odd_init();
}

static void trim(void *table, size_t *nbytes, size_t needed)
{
    size_t before = __atomic_exchange_n(nbytes, needed, __ATOMIC_RELAXED);
    if (before > needed)
        os_unmap((char *)table + needed, before - needed);
}

void chunk_trim(void)
{
    if (g_tags == NULL)
        return;
    trim(g_tags, &tags_bytes, tags_needed());
    trim(g_chunks, &chunks_bytes, chunks_needed());
}

static struct chunk *chunk_of(size_t unit)
{
    return &g_chunks[unit / CHUNK_UNITS];
}

/* Moves the mark behind what is taken. Returns how many of the n units are below where it was. */
static size_t pass_mark(BlockHeap *heap, size_t unit, size_t n)
{
    struct chunk *chunk = chunk_of(unit);
    size_t start = unit % CHUNK_UNITS;
    size_t mark = chunk->mark;
    if (start + n <= mark)
        return n;
    chunk->mark = start + n;
    heap->nunused -= start + n - mark;
    return mark > start ? mark - start : 0;
}

static inline void count_out(BlockHeap *heap, size_t n)
{
    count_add(&heap->nout, n);
    chunk_note_used(heap);
}

static bool grant(BlockHeap *heap)
{
    if (!budget_grant_pages(GRANT_PAGES))
        return false;
    heap->granted += GRANT_UNITS;
    return true;
}

static void return_grant(BlockHeap *heap)
{
    size_t kept = align_up(chunk_kept_units(heap), GRANT_UNITS);
    if (kept >= heap->granted)
        return;
    budget_return_pages((heap->granted - kept) / PAGE_UNITS);
    heap->granted = kept;
}

/* Whether what is kept, and so many units more, is what the arena may keep. */
static bool may_keep(BlockHeap *heap, size_t more)
{
    size_t kept = chunk_kept_units(heap) + more;
    while (unlikely(kept > heap->granted))
        if (!grant(heap))
            return false;
    return !router_is_suspended();
}

/* What the region retains in a superblock is the arena's to keep from now on, or purged. */
static void keep_dirty(BlockHeap *heap, size_t unit)
{
    size_t first = unit / PAGE_UNITS;
    size_t npages = SUPER_PAGES;
    while (npages != 0 && !page_map_any(PAGE_DIRTY, first + npages - 1, 1))
        npages--;
    if (npages == 0)
        return;
    pass_mark(heap, unit, npages * PAGE_UNITS);
    if (may_keep(heap, 0) || !zero_purge(first, npages))
        return;
    heap->nunused += npages * PAGE_UNITS;
    chunk_of(unit)->mark = 0;
}

static bool is_churning(const BlockHeap *heap)
{
    return heap->nfree - heap->nunused > heap->nout / CHURNING_SHARE;
}

static bool needs_a_part(const BlockHeap *heap)
{
    return heap->nout + heap->nfree == 0 ||
           (is_churning(heap) && region_taken_pages() < SPARSE_MOST);
}

/*
 * Takes back a run that was given to the region, of a superblock that is owned still: if it was not, all
 * of it is another's, or the region's. A whole one is better had anew. What the program has unmapped of a
 * block that lives is not a part of the chunk.
 */
static bool take_back_run(PageArena *arena, size_t first, size_t npages)
{
    size_t n = npages * PAGE_UNITS;
    if (npages == SUPER_PAGES || block_end_before(first) > first || !region_take(first, npages))
        return false;
    if (!chunk_is_of(arena, first * PAGE_UNITS)) {
        region_free(first, npages);
        return false;
    }
    page_map_set(PAGE_LIVE, first, npages);
    count_add(&arena->blocks.nout, n);
    chunk_put(arena, first * PAGE_UNITS, n);
    return true;
}

/* All such runs of one superblock: how many pages. */
static size_t take_back_some(PageArena *arena)
{
    size_t ntaken = 0;
    for (size_t at = 0; ntaken == 0 && at < region_used_pages(); at += SUPER_PAGES) {
        struct run run = {at, 0};
        size_t end = at + SUPER_PAGES;
        while (chunk_is_of(arena, at * PAGE_UNITS) &&
               (run = page_map_next(PAGE_FREE, true, run.first + run.npages, end)).npages != 0)
            if (take_back_run(arena, run.first, run.npages))
                ntaken += run.npages;
    }
    return ntaken;
}

/* False: there are none, or they may not be kept. */
static bool take_back(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    size_t ntaken = 0;
    if (heap->ngiven == 0)
        return false;
    if (may_keep(heap, CHUNK_UNITS)) {
        ntaken = take_back_some(arena);
        heap->ngiven = ntaken != 0 ? heap->ngiven - min_size(ntaken, heap->ngiven) : 0;
    }
    return_grant(heap);
    return ntaken != 0;
}

/* Takes what is free beside a run out, and joins it with that. Returns how long it is now. */
static size_t join(BlockHeap *heap, size_t *unit, size_t n)
{
    size_t before = *unit % CHUNK_UNITS != 0 ? bins_run_until(*unit - 1) : 0;
    size_t behind = (*unit + n) % CHUNK_UNITS != 0 ? bins_run_from(*unit + n) : 0;
    if (behind != 0)
        bins_take_out(heap, *unit + n, behind);
    if (before != 0) {
        *unit -= before;
        bins_take_out(heap, *unit, before);
    }
    return before + n + behind;
}

/* Lists what was held back of a chunk. False: nothing was. */
static bool use_reserve(BlockHeap *heap)
{
    if (heap->reserve == 0)
        return false;
    size_t unit = heap->reserve - 1;
    size_t n = CHUNK_UNITS - unit % CHUNK_UNITS;
    heap->reserve = 0;
    heap->nunused += n;
    n = join(heap, &unit, n);
    bins_insert(heap, unit, n);
    return true;
}

/* What no list has, and the reserve behind it, if that is all of a chunk. Returns how long it is now. */
static size_t with_reserve(BlockHeap *heap, size_t unit, size_t n)
{
    if (unit % CHUNK_UNITS != 0 || unit + n + 1 != heap->reserve)
        return n;
    heap->reserve = 0;
    heap->nunused += CHUNK_UNITS - n;
    return CHUNK_UNITS;
}

/* With room in a grant, or another: what cannot be kept is better shared, in the region. */
static void *map_chunk(PageArena *arena, bool sparse)
{
    BlockHeap *heap = &arena->blocks;
    if (chunk_kept_units(heap) + GRANT_UNITS > heap->granted && !grant(heap))
        return NULL;
    void *addr = sparse ? router_map_sparse(arena)
                        : router_map(arena, SUPER_PAGES, __builtin_ctzl(SUPER_PAGES), SUPER_PAGES);
    if (addr == NULL)
        return_grant(heap);
    return addr;
}

/*
 * Holds back what was never used of a chunk of small pages that is free as a whole. Of the first, or only one, that is
 * its last quarter at most. Returns how much of it is left.
 */
static size_t hold_back(BlockHeap *heap, size_t unit)
{
    size_t used = align_up(chunk_of(unit)->mark, PAGE_UNITS);
    size_t least = used == 0 || heap->nout + heap->nfree == 0 ? LISTED_LEAST : 0;
    size_t left = max_size(used, least);
    if (!chunk_of(unit)->sparse || heap->reserve != 0 || left == CHUNK_UNITS ||
        router_is_suspended())
        return CHUNK_UNITS;
    heap->reserve = (uint32_t)(unit + left) + 1;
    heap->nunused -= CHUNK_UNITS - left;
    return left;
}

bool chunk_extend(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    bool retained = region_dirty_pages() >= SUPER_PAGES;
    if (take_back(arena) || (is_churning(heap) && !retained && use_reserve(heap)))
        return true;
    bool sparse = needs_a_part(heap);
    void *addr = map_chunk(arena, sparse);
    if (addr == NULL)
        return use_reserve(heap);
    size_t unit = region_page((uintptr_t)addr) * PAGE_UNITS;
    chunk_of(unit)->mark = 0;
    chunk_of(unit)->sparse = sparse && huge_are_some();
    odd_calm(unit / CHUNK_UNITS, arena);
    __atomic_store_n(&chunk_of(unit)->owner, arena, __ATOMIC_RELEASE);
    heap->nunused += CHUNK_UNITS;
    bins_insert(heap, unit, CHUNK_UNITS);
    keep_dirty(heap, unit);
    bins_take_out(heap, unit, CHUNK_UNITS);
    bins_insert(heap, unit, hold_back(heap, unit));
    return true;
}

/* The first run of a bin. Of the first long ones rather one that was in use before, to its end. */
static inline size_t choose(const BlockHeap *heap, size_t bin)
{
    uint32_t next = heap->bins[bin];
    if (unlikely(bin == CHUNK_BINS - 1))
        for (size_t i = 0; i < LONG_MOST && next != 0; i++, next = bins_tag(next - 1)->next)
            if ((next - 1) % CHUNK_UNITS + bins_run_from(next - 1) <= chunk_of(next - 1)->mark)
                return next - 1;
    return heap->bins[bin] - 1;
}

size_t chunk_take(PageArena *arena, size_t *n, size_t *used)
{
    BlockHeap *heap = &arena->blocks;
    size_t bin = bins_find(heap, *n);
    if (unlikely(bin == CHUNK_BINS))
        return NO_UNIT;
    size_t unit = choose(heap, bin);
    if (unlikely(unit % CHUNK_UNITS + *n > chunk_of(unit)->mark) &&
        heap->nquick > heap->nout >> LITTLE_QUICK_SHIFT)
        return NO_UNIT;
    size_t length = bins_tag(unit)->starts / PAGE_UNITS;
    if (length - *n > *n >> RUN_SLACK_SHIFT) {
        bins_cut(heap, unit, length, *n);
    } else {
        bins_take_out(heap, unit, length);
        *n = length;
    }
    *used = pass_mark(heap, unit, *n);
    count_out(heap, *n);
    return unit;
}

bool chunk_take_at(PageArena *arena, size_t unit, size_t n)
{
    BlockHeap *heap = &arena->blocks;
    size_t length = unit % CHUNK_UNITS != 0 ? bins_run_from(unit) : 0;
    if (length < n)
        return false;
    if (length != n)
        bins_cut(heap, unit, length, n);
    else
        bins_take_out(heap, unit, length);
    pass_mark(heap, unit, n);
    count_out(heap, n);
    return true;
}

/* Gives pages that nobody lists back to the region; the first were used. */
static void give_pages(PageArena *arena, size_t first, size_t npages, size_t nused)
{
    if (unlikely(router_is_suspended())) {
        router_free_live(arena, first, npages);
        return;
    }
    page_map_clear(PAGE_LIVE, first, npages);
    if (nused != 0)
        page_map_set(PAGE_DIRTY, first, nused);
    region_free(first, npages);
}

/*
 * Gives the whole pages of a run that no list has, and lists the rest. What was never used stays with
 * the chunk, unless `all`, or it is a whole chunk, or none is kept.
 */
static void give(PageArena *arena, size_t unit, size_t n, bool all)
{
    BlockHeap *heap = &arena->blocks;
    struct chunk *chunk = chunk_of(unit);
    size_t from = align_up(unit, PAGE_UNITS);
    size_t to = align_down(unit + n, PAGE_UNITS);
    size_t mark = align_down(unit, CHUNK_UNITS) + chunk->mark;
    size_t unused = align_up(mark, PAGE_UNITS);
    if (unused < to && !all && n != CHUNK_UNITS && !router_is_suspended())
        to = max_size(from, unused);
    if (from >= to) {
        bins_insert(heap, unit, n);
        return;
    }
    if (from != unit)
        bins_insert(heap, unit, from - unit);
    if (to != unit + n)
        bins_insert(heap, to, unit + n - to);
    if (to > mark) {
        heap->nunused -= to - mark;
        chunk->mark += to - mark;
    }
    heap->ngiven += (to - from) / PAGE_UNITS;
    /* From here on the chunk may be another's. */
    size_t used = min_size(max_size(unused, from), to);
    give_pages(arena, from / PAGE_UNITS, (to - from) / PAGE_UNITS, (used - from) / PAGE_UNITS);
}

/* Whether the pages around a run are not the chunk's any more, so that none of it need stay. */
static bool is_alone(size_t unit, size_t n)
{
    size_t end = unit + n;
    return unit % PAGE_UNITS == 0 && end % PAGE_UNITS == 0 &&
           (unit % CHUNK_UNITS == 0 || !page_map_any(PAGE_LIVE, unit / PAGE_UNITS - 1, 1)) &&
           (end % CHUNK_UNITS == 0 || !page_map_any(PAGE_LIVE, end / PAGE_UNITS, 1));
}

/* Gives large runs until no more than `left` units are kept, or there are none. */
static void shed(PageArena *arena, size_t left)
{
    BlockHeap *heap = &arena->blocks;
    for (size_t bin = CHUNK_BINS; bin-- > GIVEN_LEAST * PAGE_UNITS;) {
        uint32_t next = heap->bins[bin];
        while (next != 0 && heap->nfree - heap->nunused > left) {
            size_t unit = next - 1;
            size_t n = bins_tag(unit)->starts / PAGE_UNITS;
            next = bins_tag(unit)->next;
            bins_take_out(heap, unit, n);
            give(arena, unit, with_reserve(heap, unit, n), false);
        }
    }
}

void chunk_put(PageArena *arena, size_t unit, size_t n)
{
    BlockHeap *heap = &arena->blocks;
    count_add(&heap->nout, -n);
    n = join(heap, &unit, n);
    n = with_reserve(heap, unit, n);
    if (unlikely(n == CHUNK_UNITS))
        n = hold_back(heap, unit);
    /* Of two whole chunks the lower stays. */
    size_t other = heap->whole;
    bins_insert(heap, unit, n);
    bool whole = n == CHUNK_UNITS && other != 0;
    bool keeps = may_keep(heap, 0);
    if (likely(keeps && !whole))
        return;
    if (whole || is_alone(unit, n)) {
        size_t given = whole ? max_size(unit, other - 1) : unit;
        bins_take_out(heap, given, n);
        if (given == unit)
            heap->whole = (uint32_t)other;
        give(arena, given, n, false);
    } else if (n >= (GIVEN_LEAST + 1) * PAGE_UNITS) {
        /* So far that the next time is not the next free. */
        shed(arena, heap->granted / 2);
    } else {
        return;
    }
    return_grant(heap);
    purge_excess();
}

void chunk_take_out(PageArena *arena, size_t page)
{
    BlockHeap *heap = &arena->blocks;
    size_t unit = page * PAGE_UNITS;
    size_t end = unit + PAGE_UNITS;
    size_t starts = g_tags[page].starts;
    size_t ends = g_tags[page].ends;
    pass_mark(heap, unit, PAGE_UNITS);
    if (ends != 0) {
        size_t n = ends / PAGE_UNITS;
        size_t from = unit + ends % PAGE_UNITS + 1 - n;
        bins_take_out(heap, from, n);
        if (from < unit)
            bins_insert(heap, from, unit - from);
    }
    if (starts != 0 && g_tags[page].starts != 0) {
        size_t from = unit + starts % PAGE_UNITS;
        size_t n = starts / PAGE_UNITS;
        bins_take_out(heap, from, n);
        if (from + n > end)
            bins_insert(heap, end, from + n - end);
    }
}

void chunk_lose(PageArena *arena, size_t n)
{
    count_add(&arena->blocks.nout, -n);
}

/* Lists the free runs of a chunk that has just got this owner. */
static void adopt(PageArena *arena, size_t unit)
{
    arena->blocks.nunused += CHUNK_UNITS - chunk_of(unit)->mark;
    size_t end = align_down(unit, CHUNK_UNITS) + CHUNK_UNITS;
    for (unit = end - CHUNK_UNITS; unit < end; unit += PAGE_UNITS) {
        size_t starts = bins_tag(unit)->starts;
        if (starts != 0)
            bins_insert(&arena->blocks, unit + starts % PAGE_UNITS, starts / PAGE_UNITS);
    }
}

bool chunk_own(PageArena *arena, size_t unit, PageArena **owner)
{
    *owner = __atomic_load_n(&chunk_of(unit)->owner, __ATOMIC_ACQUIRE);
    if (likely(*owner == arena && arena != NULL))
        return true;
    if (*owner == NOBODY && arena != NULL &&
        __atomic_compare_exchange_n(&chunk_of(unit)->owner, owner, arena, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        odd_pass_calm(unit / CHUNK_UNITS, NOBODY, arena);
        adopt(arena, unit);
        return true;
    }
    if (*owner == NOBODY || *owner == NOBODY_EVER)
        *owner = NULL;
    return false;
}

size_t chunk_decay(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    size_t needed = (size_t)(heap->nused_most - (int64_t)heap->nout);
    size_t kept = heap->nfree - heap->nunused;
    heap->nused_most = (int64_t)heap->nout;
    if (kept > needed)
        shed(arena, needed);
    return_grant(heap);
    return (kept - (heap->nfree - heap->nunused)) / PAGE_UNITS;
}

void chunk_flush(PageArena *arena)
{
    BlockHeap *heap = &arena->blocks;
    use_reserve(heap);
    for (size_t bin = bins_of(PAGE_UNITS); bin < CHUNK_BINS; bin++) {
        uint32_t head = heap->bins[bin];
        heap->bins[bin] = 0;
        heap->filled[bin / 64] &= ~((uint64_t)1 << bin % 64);
        while (head != 0) {
            size_t unit = head - 1;
            size_t n = bins_tag(unit)->starts / PAGE_UNITS;
            head = bins_tag(unit)->next;
            bins_forget(heap, unit, n);
            give(arena, unit, n, true);
        }
    }
    return_grant(heap);
    purge_excess();
}

void chunk_abandon(PageArena *arena, bool intact)
{
    size_t nchunks = region_used_pages() / SUPER_PAGES;
    if (intact)
        use_reserve(&arena->blocks);
    for (size_t i = 0; g_tags != NULL && i < nchunks; i++) {
        PageArena *owner = arena;
        PageArena *none = intact ? NOBODY : NOBODY_EVER;
        if (__atomic_load_n(&g_chunks[i].owner, __ATOMIC_RELAXED) != arena)
            continue;
        odd_pass_calm(i, arena, none);
        __atomic_compare_exchange_n(&g_chunks[i].owner, &owner, none, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED);
    }
    budget_return_pages(arena->blocks.granted / PAGE_UNITS);
    /* Others may be leaving blocks for it all the while. */
    memset(&arena->blocks, 0, offsetof(BlockHeap, apart));
}
