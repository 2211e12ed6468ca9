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

/*
 * Plain memory, wherever the kernel likes or with a hint at the region: elsewhere the program may
 * insist on the address. MAP_POPULATE is for the caller to see to.
 */
static inline bool route_serves(const void *addr, size_t nbytes, int prot, int flags, off_t offset)
{
    const int harmless = MAP_NORESERVE | MAP_STACK | MAP_POPULATE;
    return nbytes - 1 < g_route_max && prot == (PROT_READ | PROT_WRITE) &&
           (flags & ~harmless) == (MAP_PRIVATE | MAP_ANONYMOUS) && offset == 0 &&
           (addr == NULL || region_owns((uintptr_t)addr));
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

/* Advice that says something about the contents or about now; all other advice stays. */
static inline bool route_advice_passes(int advice)
{
    switch (advice) {
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case 20: /* MADV_COLD, 5.4 */
    case 21: /* MADV_PAGEOUT, 5.4 */
    case 22: /* MADV_POPULATE_READ, 5.14 */
    case 23: /* MADV_POPULATE_WRITE, 5.14 */
    case 24: /* MADV_DONTNEED_LOCKED, 5.18 */
    case 25: /* MADV_COLLAPSE, 6.1 */
        return true;
    default:
        return false;
    }
}

#endif
