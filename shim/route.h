/*
 * Ours or theirs: which mmap(2) requests the arena serves. Pure; no state but the size limit.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <sys/mman.h>

#include "space.h"

#define EXPORT __attribute__((visibility("default")))

/* The largest request served; 0 while the shim is off. */
extern size_t g_route_max;

/* Private anonymous memory, with no flag that changes what it is. */
static inline bool route_is_plain(int flags)
{
    return (flags & ~(MAP_NORESERVE | MAP_STACK | MAP_POPULATE)) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

enum route { ROUTE_KERNEL, ROUTE_SERVE, ROUTE_RESERVE, ROUTE_FIXED };

/*
 * Served: plain memory, wherever the kernel likes or with a hint at the region (elsewhere the
 * program may insist on the address); MAP_POPULATE is for the caller to see to. And reservations
 * with PROT_NONE, with any hint. FIXED concerns us only if it is over the region.
 */
static inline enum route route_mmap(const void *addr, size_t nbytes, int prot, int flags,
                                    off_t offset)
{
    bool fits = nbytes - 1 < g_route_max && offset == 0;
    if (likely(fits && route_is_plain(flags) && prot == (PROT_READ | PROT_WRITE)))
        return addr == NULL || region_owns((uintptr_t)addr) ? ROUTE_SERVE : ROUTE_KERNEL;
    if (fits && route_is_plain(flags) && prot == PROT_NONE)
        return ROUTE_RESERVE;
    return (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 ? ROUTE_FIXED : ROUTE_KERNEL;
}

/*
 * Whether a well-formed call on this range concerns the region: page-aligned, not empty, not
 * wrapping around. *range is what it is about, rounded up to pages.
 */
static inline bool route_concerns(const void *addr, size_t nbytes, struct range *range)
{
    uintptr_t start = (uintptr_t)addr;
    if ((start & (PAGE_BYTES - 1)) != 0 || nbytes == 0 || nbytes > UINTPTR_MAX - PAGE_BYTES - start)
        return false;
    *range = range_of(addr, align_up(nbytes, PAGE_BYTES));
    return space_overlaps(*range);
}

/* Linux 5.14; they fault pages in one by one, and stop at the first that cannot be. */
#define ADVICE_POPULATE_READ 22
#define ADVICE_POPULATE_WRITE 23
#define ADVICE_DONTNEED_LOCKED 24

static inline bool route_advice_stops(int advice)
{
    return advice == ADVICE_POPULATE_READ || advice == ADVICE_POPULATE_WRITE;
}

/* What an advice does to pages. */
enum advice { ADVICE_PASSES, ADVICE_MARKS, ADVICE_UNMARKS };

/* *how is the mark it sets or takes off (odd.h). What says something about now only passes. */
static inline enum advice route_advice(int advice, enum page_bit *how)
{
    *how = PAGE_TORN;
    switch (advice) {
    case MADV_DONTFORK:
    case MADV_DOFORK:
        *how = PAGE_NO_FORK;
        return advice == MADV_DONTFORK ? ADVICE_MARKS : ADVICE_UNMARKS;
    case MADV_DONTDUMP:
    case MADV_WIPEONFORK:
        *how = PAGE_ADVISED;
        return ADVICE_MARKS;
    case MADV_DODUMP:
    case MADV_KEEPONFORK:
    case MADV_NORMAL:
    case MADV_UNMERGEABLE:
    case MADV_REMOVE:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case 20: /* MADV_COLD, 5.4 */
    case 21: /* MADV_PAGEOUT, 5.4 */
    case ADVICE_POPULATE_READ:
    case ADVICE_POPULATE_WRITE:
    case ADVICE_DONTNEED_LOCKED:
    case 25: /* MADV_COLLAPSE, 6.1 */
        return ADVICE_PASSES;
    case 102: /* MADV_GUARD_INSTALL, 6.13 */
    case 103: /* MADV_GUARD_REMOVE */
        *how = PAGE_LENT;
        return ADVICE_MARKS;
    default:
        return ADVICE_MARKS;
    }
}

#endif
