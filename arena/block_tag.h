/*
 * In the tag of each page (bins.h): the block that starts in it, in units or in whole pages, in which
 * unit it starts, and whether it was freed: by another thread, and is in a list for its owner, or by the
 * owner, and is kept as it is (quick.h).
 */
#ifndef BLOCK_TAG_H
#define BLOCK_TAG_H

#include "bins.h"
#include "page_map.h"

#define BLOCK_SIZE_BITS 24
#define BLOCK_SIZE_MASK (((uint32_t)1 << BLOCK_SIZE_BITS) - 1)
#define BLOCK_IN_UNITS ((uint32_t)1 << 31)
#define BLOCK_LEFT ((uint32_t)1 << 30)
#define BLOCK_KEPT ((uint32_t)1 << 29)

/* The tag of a page; 0: no block starts in it. There are tags. */
static inline uint32_t block_tag_read(size_t page)
{
    return __atomic_load_n(&g_tags[page].block, __ATOMIC_RELAXED);
}

/* The same, of blocks that are not kept. */
static inline uint32_t block_tag_at(size_t page)
{
    uint32_t block = g_tags != NULL ? block_tag_read(page) : 0;
    return likely((block & BLOCK_KEPT) == 0) ? block : 0;
}

static inline void block_tag_set(size_t page, uint32_t block)
{
    __atomic_store_n(&g_tags[page].block, block, __ATOMIC_RELAXED);
}

/* In which unit of the page it starts, and how many bytes it has. */
static inline size_t block_tag_start(uint32_t block)
{
    return (block >> BLOCK_SIZE_BITS) % PAGE_UNITS;
}

static inline size_t block_tag_bytes(uint32_t block)
{
    return (size_t)(block & BLOCK_SIZE_MASK)
           << ((block & BLOCK_IN_UNITS) != 0 ? UNIT_SHIFT : PAGE_SHIFT);
}

/* Whether the block of a page is this one, and not freed. */
static inline bool block_tag_is_of(uint32_t block, const void *addr)
{
    size_t start = (uintptr_t)addr & (PAGE_BYTES - 1);
    return start == block_tag_start(block) << UNIT_SHIFT && (block & BLOCK_LEFT) == 0;
}

/* The same, and it is in units. */
static inline bool block_tag_is_in_units(uint32_t block, const void *addr)
{
    uint32_t start = (uint32_t)(uintptr_t)addr & (PAGE_BYTES - 1);
    return (block & ~BLOCK_SIZE_MASK) == (start << (BLOCK_SIZE_BITS - UNIT_SHIFT) | BLOCK_IN_UNITS);
}

/* Whether what starts with this unit is kept. */
static inline bool block_tag_is_kept(size_t unit)
{
    uint32_t start = (uint32_t)(unit % PAGE_UNITS) << BLOCK_SIZE_BITS;
    return (block_tag_read(unit / PAGE_UNITS) & ~BLOCK_SIZE_MASK) ==
           (start | BLOCK_IN_UNITS | BLOCK_KEPT);
}

/* The pages that a block has a part of. */
static inline struct run block_tag_pages(size_t page, uint32_t block)
{
    return (struct run){page,
                        pages_for((block_tag_start(block) << UNIT_SHIFT) + block_tag_bytes(block))};
}

/* The end, as a page, of the block that starts in this page; 0 if none does. */
size_t block_end_at(size_t page);

/* The same of the last that starts before. Slow: for rare cases. */
size_t block_end_before(size_t page);

#endif
