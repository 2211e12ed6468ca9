#include "block.h"

#include <string.h>

#include "chunk.h"
#include "config.h"
#include "os.h"
#include "purge.h"
#include "quick.h"
#include "region.h"
#include "router.h"
#include "trace.h"
#include "zero.h"

/*
 * Blocks of so many pages are often touched in parts only: what is clean is asked for when they go to
 * the region, and neither cleared for the next nor counted as retained. One that was touched for the
 * most part speaks for the next UNASKED of about its size.
 */
#define ASKED_LEAST 64
#define UNASKED 7

/*
 * In the tag of each page: the block that starts in it, in units or in whole pages, and in which unit;
 * and the next in a list of freed ones, by its page plus one.
 */
#define SIZE_BITS 24
#define SIZE_MASK (((uint32_t)1 << SIZE_BITS) - 1)
#define IN_UNITS ((uint32_t)1 << 31)
#define LEFT ((uint32_t)1 << 30) /* freed, and in such a list */

/* What others have freed may wait for its owner: so much, and a share of what that has out. */
#define REMOTE_LEAST (4 * MIB / UNIT_BYTES)
#define REMOTE_SHARE 4
#define REMOTE_MOST (12 * MIB / UNIT_BYTES)

/*
 * Blocks are of any size: what is free seldom fits as it is. If it were given back as soon as the
 * region has more than it ever had in use, programs with large blocks would fault them in for ever.
 */
#define IN_USE_SHARE 4
static size_t in_use;
static size_t in_use_most;

/* May come late: a bound on what is retained, not an account. */
static void note_in_use(size_t npages)
{
    size_t now = __atomic_add_fetch(&in_use, npages, __ATOMIC_RELAXED);
    if (now <= __atomic_load_n(&in_use_most, __ATOMIC_RELAXED) || now > SIZE_MAX / 2)
        return;
    __atomic_store_n(&in_use_most, now, __ATOMIC_RELAXED);
    purge_allow(now / IN_USE_SHARE);
}

bool block_init(void)
{
    return chunk_init();
}

void block_trim(void)
{
    chunk_trim();
}

static uint32_t block_at(size_t page)
{
    return g_tags != NULL ? __atomic_load_n(&g_tags[page].block, __ATOMIC_RELAXED) : 0;
}

static void set_block(size_t page, uint32_t block)
{
    __atomic_store_n(&g_tags[page].block, block, __ATOMIC_RELAXED);
}

static size_t start_of(uint32_t block)
{
    return (block >> SIZE_BITS) % PAGE_UNITS;
}

static size_t bytes_of(uint32_t block)
{
    return (size_t)(block & SIZE_MASK) << ((block & IN_UNITS) != 0 ? UNIT_SHIFT : PAGE_SHIFT);
}

/* Whether the block of a page is this one, and not freed. */
static inline bool starts_as(uint32_t block, const void *addr)
{
    size_t start = (uintptr_t)addr & (PAGE_BYTES - 1);
    return start == start_of(block) << UNIT_SHIFT && (block & LEFT) == 0;
}

size_t block_bytes(const void *block)
{
    uint32_t found = block_at(region_page((uintptr_t)block));
    return starts_as(found, block) ? bytes_of(found) : 0;
}

/* The pages that a block has a part of. */
static struct run pages_of(size_t page, uint32_t block)
{
    return (struct run){page, pages_for((start_of(block) << UNIT_SHIFT) + bytes_of(block))};
}

size_t block_end_at(size_t page)
{
    uint32_t block = block_at(page);
    return block != 0 ? page + pages_of(page, block).npages : 0;
}

size_t block_end_before(size_t page)
{
    size_t most = max_size(pages_for(g_config.max_span), RUN_GIVEN_MOST / PAGE_UNITS) + 1;
    for (size_t back = 1; back <= page && back <= most; back++)
        if (block_at(page - back) != 0)
            return block_end_at(page - back);
    return 0;
}

/* Whether the program has left these pages as they were handed out. */
static inline bool is_plain(size_t first, size_t npages)
{
    size_t end = first + npages;
    uint64_t mask, plain;
    do {
        size_t page = page_step(&first, end, &mask);
        plain = page_word_read(PAGE_LIVE, page) & ~page_word_read(PAGE_ODD, page);
    } while (likely((plain & mask) == mask) && unlikely(first < end));
    return (plain & mask) == mask;
}

static void retire(PageArena *arena, size_t first, size_t npages)
{
    unsigned char *unasked = &arena->blocks.unasked[31 - (unsigned)__builtin_clz((unsigned)npages)];
    if ((npages < ASKED_LEAST || *unasked != 0) && g_config.scrub == 0) {
        *unasked -= *unasked != 0;
        page_map_set(PAGE_DIRTY, first, npages);
        return;
    }
    /* What was only guessed is forgotten. */
    page_map_clear(PAGE_DIRTY, first, npages);
    zero_retire(first, npages, &arena->density);
    if (page_map_count(PAGE_DIRTY, first, npages) >= npages - npages / 4)
        *unasked = UNASKED;
}

/* To the region, or to a warm cache. What the program has changed takes the way of munmap(2). */
static void release(PageArena *arena, size_t first, size_t npages)
{
    note_in_use(-npages);
    if (arena == NULL || g_config.guard != 0 || router_is_suspended() || !is_plain(first, npages)) {
        router_free_live(arena, first, npages);
        return;
    }
    page_map_clear(PAGE_LIVE, first, npages);
    retire(arena, first, npages);
    router_put_in_region(arena, first, npages);
}

/* Clears what may not read as zero: all that was in use since the region gave it, and what is dirty. */
static void clear(size_t unit, size_t n, size_t used)
{
    char *start = (char *)region_addr(0) + (unit << UNIT_SHIFT);
    size_t from = min_size(align_up(unit + used, PAGE_UNITS), unit + n);
    size_t to = max_size(align_down(unit + n, PAGE_UNITS), from);
    memset(start, 0, (from - unit) << UNIT_SHIFT);
    if (to != from)
        zero_prepare(from / PAGE_UNITS, (to - from) / PAGE_UNITS);
    memset(start + ((to - unit) << UNIT_SHIFT), 0, (unit + n - to) << UNIT_SHIFT);
}

static void free_units(PageArena *arena, size_t page, uint32_t block);

/* Frees what others have left for an arena, which may have gone to another since. */
static void take_remote(PageArena *arena)
{
    uint32_t head = __atomic_exchange_n(&arena->blocks.remote, 0, __ATOMIC_ACQUIRE);
    size_t nunits = 0;
    while (head != 0) {
        size_t page = head - 1;
        uint32_t block = block_at(page) & ~LEFT;
        head = g_tags[page].left;
        nunits += block & SIZE_MASK;
        free_units(arena, page, block);
    }
    __atomic_fetch_sub(&arena->blocks.nremote, (uint32_t)nunits, __ATOMIC_RELAXED);
}

/* Leaves a block to the arena that owns its chunk. */
static void leave_to(PageArena *owner, size_t page, uint32_t block)
{
    BlockHeap *heap = &owner->blocks;
    size_t n = block & SIZE_MASK;
    int64_t out = (int64_t)count_read(&heap->nout);
    size_t most = REMOTE_LEAST + min_size(out > 0 ? (size_t)out / REMOTE_SHARE : 0, REMOTE_MOST);
    bool full = __atomic_add_fetch(&heap->nremote, (uint32_t)n, __ATOMIC_RELAXED) > most;
    struct run pages = pages_of(page, block);
    if (unlikely(full) && is_plain(pages.first, pages.npages)) {
        size_t unit = page * PAGE_UNITS + start_of(block);
        size_t first = align_up(unit, PAGE_UNITS) / PAGE_UNITS;
        os_purge(region_addr(first), ((unit + n) / PAGE_UNITS - first) << PAGE_SHIFT);
    }
    set_block(page, block | LEFT);
    uint32_t head = __atomic_load_n(&heap->remote, __ATOMIC_RELAXED);
    do
        g_tags[page].left = head;
    while (!__atomic_compare_exchange_n(&heap->remote, &head, (uint32_t)page + 1, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static size_t take_units(PageArena *arena, size_t *n, size_t *used)
{
    size_t unit;
    while ((unit = chunk_take(arena, n, used)) == NO_UNIT)
        if (!quick_drain(arena) && !chunk_extend(arena))
            return NO_UNIT;
    return unit;
}

static inline void *hand_out(PageArena *arena, size_t unit, size_t n)
{
    count_add(&arena->unit_blocks, 1);
    set_block(unit / PAGE_UNITS,
              (uint32_t)n | (uint32_t)(unit % PAGE_UNITS) << SIZE_BITS | IN_UNITS);
    return (char *)region_addr(0) + (unit << UNIT_SHIFT);
}

static void *alloc_units(PageArena *arena, size_t n, bool zero)
{
    size_t used;
    size_t unit = take_units(arena, &n, &used);
    if (unlikely(unit == NO_UNIT))
        return NULL;
    if (zero)
        clear(unit, n, used);
    return hand_out(arena, unit, n);
}

static void *alloc_pages(PageArena *arena, size_t npages, unsigned order, bool zero)
{
    void *addr = router_map(arena, npages, order, zero ? 0 : npages);
    if (unlikely(addr == NULL))
        return NULL;
    set_block(region_page((uintptr_t)addr), (uint32_t)npages);
    note_in_use(npages);
    return addr;
}

/* Whether a block is cut from a chunk if there is one to be had. */
static inline bool is_unit_sized(size_t nbytes, size_t alignment)
{
    return nbytes <= RUN_MOST * UNIT_BYTES && alignment <= UNIT_BYTES && g_config.guard == 0 &&
           g_config.scrub == 0;
}

static inline size_t units_for(size_t nbytes)
{
    return (nbytes + UNIT_BYTES - 1) >> UNIT_SHIFT;
}

static __attribute__((noinline)) void *alloc_slowly(PageArena *arena, size_t nbytes,
                                                    size_t alignment, bool zero)
{
    if (is_unit_sized(nbytes, alignment)) {
        void *block = alloc_units(arena, units_for(nbytes), zero);
        if (block != NULL)
            return block;
    }
    if (unlikely(g_trace))
        trace(arena, zero ? TRACE_ZERO_BLOCK : TRACE_BLOCK, 0, nbytes);
    unsigned order = alignment > PAGE_BYTES ? (unsigned)__builtin_ctzl(alignment >> PAGE_SHIFT) : 0;
    return alloc_pages(arena, pages_for(nbytes), order, zero);
}

void *block_alloc(PageArena *arena, size_t nbytes, size_t alignment, bool zero)
{
    size_t n = units_for(nbytes);
    if (unlikely(__atomic_load_n(&arena->blocks.remote, __ATOMIC_RELAXED) != 0))
        take_remote(arena);
    size_t unit =
        likely(is_unit_sized(nbytes, alignment)) ? quick_take(&arena->blocks, &n) : NO_UNIT;
    if (unlikely(unit == NO_UNIT))
        return alloc_slowly(arena, nbytes, alignment, zero);
    void *block = hand_out(arena, unit, n);
    return unlikely(zero) ? memset(block, 0, n << UNIT_SHIFT) : block;
}

/*
 * What a program has changed goes page by page, and what is free in the same pages with it. A page that
 * another block has a part of waits for that one, which has then been changed, too.
 */
static void free_changed(PageArena *arena, size_t page, uint32_t block, bool own)
{
    size_t unit = page * PAGE_UNITS + start_of(block);
    size_t n = block & SIZE_MASK;
    struct run pages = pages_of(page, block);
    size_t first = pages.first;
    size_t end = first + pages.npages;
    if (unit % PAGE_UNITS != 0 && (!own || block_end_before(first) > first))
        first++;
    if ((unit + n) % PAGE_UNITS != 0 && (!own || block_at(end - 1) != 0))
        end--;
    if (own) {
        quick_drain(arena);
        chunk_lose(arena, n);
        if (first * PAGE_UNITS < unit)
            chunk_take_out(arena, first);
        if (end * PAGE_UNITS > unit + n)
            chunk_take_out(arena, end - 1);
    }
    if (first < end)
        router_free_live(arena, first, end - first);
}

/* Of a chunk that another arena owns, or nobody, or that the program has changed. */
static __attribute__((noinline)) void free_apart(PageArena *arena, size_t page, uint32_t block)
{
    size_t unit = page * PAGE_UNITS + start_of(block);
    struct run pages = pages_of(page, block);
    PageArena *owner;
    bool own = chunk_own(arena, unit, &owner);
    if (!own && owner != NULL) {
        leave_to(owner, page, block);
        return;
    }
    set_block(page, 0);
    if (own && is_plain(pages.first, pages.npages))
        chunk_put(arena, unit, block & SIZE_MASK);
    else
        free_changed(arena, page, block, own);
}

static void free_units(PageArena *arena, size_t page, uint32_t block)
{
    size_t unit = page * PAGE_UNITS + start_of(block);
    size_t n = block & SIZE_MASK;
    size_t last = (unit + n - 1) / PAGE_UNITS;
    if (unlikely(!chunk_is_of(arena, unit) || !is_plain(page, last + 1 - page))) {
        free_apart(arena, page, block);
        return;
    }
    set_block(page, 0);
    if (quick_has_room(&arena->blocks, n)) {
        quick_put(&arena->blocks, unit, n);
        return;
    }
    chunk_put(arena, unit, n);
    if (unlikely(quick_is_excessive(&arena->blocks)))
        quick_drain(arena);
}

size_t block_free(PageArena *arena, void *block)
{
    size_t page = region_page((uintptr_t)block);
    uint32_t found = block_at(page);
    if (unlikely(found == 0 || !starts_as(found, block)))
        return 0;
    size_t nbytes = bytes_of(found);
    if (likely((found & IN_UNITS) != 0)) {
        free_units(arena, page, found);
    } else {
        set_block(page, 0);
        release(arena, page, found);
    }
    return nbytes;
}

static bool resize_units(PageArena *arena, size_t page, uint32_t block, size_t nbytes)
{
    PageArena *owner;
    size_t unit = page * PAGE_UNITS + start_of(block);
    size_t before = block & SIZE_MASK;
    size_t n = max_size(units_for(nbytes), RUN_LEAST);
    struct run pages = pages_of(page, block);
    if (n > 8 * RUN_MOST || !chunk_own(arena, unit, &owner) || !is_plain(pages.first, pages.npages))
        return false;
    if (n > before && !chunk_take_at(arena, unit + before, n - before))
        return false;
    set_block(page, block - (uint32_t)before + (uint32_t)n);
    if (n < before)
        chunk_put(arena, unit + n, before - n);
    return true;
}

bool block_resize(PageArena *arena, void *block, size_t nbytes)
{
    size_t page = region_page((uintptr_t)block);
    uint32_t found = block_at(page);
    if ((found & IN_UNITS) != 0)
        return resize_units(arena, page, found, nbytes);
    size_t before = found;
    size_t npages = pages_for(nbytes);
    if (npages > before && !(is_plain(page, before) &&
                             router_map_at(arena, page + before, npages - before, npages - before)))
        return false;
    set_block(page, (uint32_t)npages);
    if (npages > before)
        note_in_use(npages - before);
    if (npages < before)
        release(arena, page + npages, before - npages);
    return true;
}

void *block_slide(PageArena *arena, void *block, size_t nbytes)
{
    size_t page = region_page((uintptr_t)block);
    uint32_t before = block_at(page);
    size_t more = pages_for(nbytes) - before;
    if ((before & IN_UNITS) != 0 || more > page || !is_plain(page, before) ||
        !router_map_at(arena, page - more, more, more))
        return NULL;
    void *moved = region_addr(page - more);
    memmove(moved, block, (size_t)before << PAGE_SHIFT);
    set_block(page, 0);
    set_block(page - more, before + (uint32_t)more);
    note_in_use(more);
    return moved;
}

size_t block_decay(PageArena *arena)
{
    if (g_tags == NULL)
        return 0;
    take_remote(arena);
    quick_drain(arena);
    return chunk_decay(arena);
}

bool block_keeps(const PageArena *arena)
{
    return arena != NULL && chunk_free_units(arena) >= 2 * PAGE_UNITS;
}

void block_flush(PageArena *arena)
{
    if (g_tags == NULL)
        return;
    take_remote(arena);
    quick_drain(arena);
    chunk_flush(arena);
}

void block_abandon(PageArena *arena, bool intact)
{
    if (intact)
        block_flush(arena);
    chunk_abandon(arena, intact);
}
