#include "unit_block.h"

#include <string.h>

#include "odd.h"
#include "quick.h"
#include "region.h"
#include "router.h"
#include "zero.h"

/* What others have freed may wait for its owner: so much, and a share of what that has out. */
#define REMOTE_LEAST (4 * MIB / UNIT_BYTES)
#define REMOTE_SHARE 4
#define REMOTE_MOST (12 * MIB / UNIT_BYTES)

/* Clears what was in use since the region gave it. The rest is as the region gave it, and was not dirty. */
static void clear(char *start, size_t n, size_t used)
{
    memset(start, 0, used << UNIT_SHIFT);
    invariant(bytes_are_zero(start + (used << UNIT_SHIFT), (n - used) << UNIT_SHIFT));
}

void unit_block_take_left(PageArena *arena)
{
    uint32_t head = __atomic_exchange_n(&arena->blocks.remote, 0, __ATOMIC_ACQUIRE);
    size_t nunits = 0;
    while (head != 0) {
        size_t page = head - 1;
        uint32_t block = block_tag_at(page) & ~BLOCK_LEFT;
        head = g_tags[page].left;
        nunits += block & BLOCK_SIZE_MASK;
        unit_block_free(arena, page, block);
    }
    __atomic_fetch_sub(&arena->blocks.nremote, (uint32_t)nunits, __ATOMIC_RELAXED);
}

/* Leaves a block to the arena that owns its chunk. */
static void leave_to(PageArena *owner, size_t page, uint32_t block)
{
    BlockHeap *heap = &owner->blocks;
    size_t n = block & BLOCK_SIZE_MASK;
    int64_t out = (int64_t)count_read(&heap->nout);
    size_t most = REMOTE_LEAST + min_size(out > 0 ? (size_t)out / REMOTE_SHARE : 0, REMOTE_MOST);
    bool full = __atomic_add_fetch(&heap->nremote, (uint32_t)n, __ATOMIC_RELAXED) > most;
    struct run pages = block_tag_pages(page, block);
    if (unlikely(full) && odd_is_plain(pages.first, pages.npages)) {
        size_t unit = page * PAGE_UNITS + block_tag_start(block);
        size_t first = align_up(unit, PAGE_UNITS) / PAGE_UNITS;
        size_t end = (unit + n) / PAGE_UNITS;
        if (first < end)
            zero_purge(first, end - first);
    }
    block_tag_set(page, block | BLOCK_LEFT);
    uint32_t head = __atomic_load_n(&heap->remote, __ATOMIC_RELAXED);
    do
        g_tags[page].left = head;
    while (!__atomic_compare_exchange_n(&heap->remote, &head, (uint32_t)page + 1, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static size_t take_units(PageArena *arena, size_t *n, size_t *used)
{
    BlockHeap *heap = &arena->blocks;
    size_t unit;
    if (unlikely(quick_is_due(heap)))
        quick_join(arena);
    while ((unit = chunk_take(arena, n, used)) == NO_UNIT)
        if (!quick_join(arena) && !chunk_extend(arena))
            break;
    heap->nmissed += *n;
    quick_refresh(heap);
    return unit;
}

void *unit_block_cut(PageArena *arena, size_t nbytes, bool zero)
{
    size_t n = units_for(nbytes);
    size_t used;
    size_t unit = take_units(arena, &n, &used);
    if (unlikely(unit == NO_UNIT))
        return NULL;
    void *block = unit_block_of(arena, unit, n);
    if (zero)
        clear(block, n, used);
    return block;
}

void *unit_block_alloc(PageArena *arena, size_t nbytes, bool zero)
{
    void *block = unit_block_kept(arena, nbytes);
    if (unlikely(block == NULL))
        return unit_block_cut(arena, nbytes, zero);
    if (unlikely(zero))
        memset(block, 0, block_tag_bytes(block_tag_at(region_page((uintptr_t)block))));
    return block;
}

/*
 * What a program has changed goes page by page, and what is free in the same pages with it. A page that
 * another block has a part of waits for that one, which has then been changed, too.
 */
static void free_changed(PageArena *arena, size_t page, uint32_t block, bool own)
{
    size_t unit = page * PAGE_UNITS + block_tag_start(block);
    size_t n = block & BLOCK_SIZE_MASK;
    struct run pages = block_tag_pages(page, block);
    size_t first = pages.first;
    size_t end = first + pages.npages;
    if (unit % PAGE_UNITS != 0 && (!own || block_end_before(first) > first))
        first++;
    if ((unit + n) % PAGE_UNITS != 0 && (!own || block_tag_at(end - 1) != 0))
        end--;
    if (own) {
        quick_drain(arena);
        chunk_lose(arena, n);
        if (first * PAGE_UNITS < unit)
            chunk_take_out(arena, first);
        if (end * PAGE_UNITS > unit + n)
            chunk_take_out(arena, end - 1);
        quick_refresh(&arena->blocks);
    }
    if (first < end)
        router_free_live(arena, first, end - first);
}

/* After the chunks have changed, by the owner. */
static void refresh(PageArena *arena)
{
    if (unlikely(!quick_refresh(&arena->blocks)))
        quick_drain(arena);
}

/* Puts back what was taken, by the owner. */
static void put(PageArena *arena, size_t unit, size_t n)
{
    chunk_put(arena, unit, n);
    refresh(arena);
}

/* Of a chunk that another arena owns, or nobody, or that the program has changed. */
static __attribute__((noinline)) void free_apart(PageArena *arena, size_t page, uint32_t block)
{
    size_t unit = page * PAGE_UNITS + block_tag_start(block);
    struct run pages = block_tag_pages(page, block);
    PageArena *owner;
    bool own = chunk_own(arena, unit, &owner);
    if (!own && owner != NULL) {
        leave_to(owner, page, block);
        return;
    }
    block_tag_set(page, 0);
    if (own && odd_is_plain(pages.first, pages.npages))
        put(arena, unit, block & BLOCK_SIZE_MASK);
    else
        free_changed(arena, page, block, own);
}

void unit_block_free(PageArena *arena, size_t page, uint32_t block)
{
    size_t unit = page * PAGE_UNITS + block_tag_start(block);
    struct run pages = block_tag_pages(page, block);
    size_t n = block & BLOCK_SIZE_MASK;
    if (unlikely(!chunk_is_of(arena, unit) || !odd_is_plain(pages.first, pages.npages))) {
        free_apart(arena, page, block);
        return;
    }
    if (quick_has_room(&arena->blocks, n)) {
        quick_put(&arena->blocks, unit, block);
    } else {
        block_tag_set(page, 0);
        put(arena, unit, n);
    }
}

/* The units behind a block. All that is kept is joined for that, if it is one of them. */
static bool take_behind(PageArena *arena, size_t unit, size_t n)
{
    return chunk_take_at(arena, unit, n) || (unit % CHUNK_UNITS != 0 && block_tag_is_kept(unit) &&
                                             quick_drain(arena) && chunk_take_at(arena, unit, n));
}

/* Cuts or lengthens a block, by the owner. */
static bool resize(PageArena *arena, size_t page, uint32_t block, size_t n)
{
    size_t unit = page * PAGE_UNITS + block_tag_start(block);
    size_t before = block & BLOCK_SIZE_MASK;
    struct run pages = block_tag_pages(page, block);
    if (!odd_is_plain(pages.first, pages.npages) ||
        (n > before && !take_behind(arena, unit + before, n - before)))
        return false;
    block_tag_set(page, block - (uint32_t)before + (uint32_t)n);
    if (n < before)
        chunk_put(arena, unit + n, before - n);
    return true;
}

bool unit_block_resize(PageArena *arena, size_t page, uint32_t block, size_t nbytes)
{
    PageArena *owner;
    size_t unit = page * PAGE_UNITS + block_tag_start(block);
    size_t n = max_size(units_for(nbytes), RUN_LEAST);
    if (n > 8 * RUN_MOST || !chunk_own(arena, unit, &owner))
        return false;
    bool resized = resize(arena, page, block, n);
    refresh(arena);
    return resized;
}

void unit_block_settle(PageArena *arena)
{
    unit_block_take_left(arena);
    quick_drain(arena);
    /* Until it is known what the chunks keep. */
    arena->blocks.quick_most = 0;
}
