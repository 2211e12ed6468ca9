/*
 * The region: one reserved range of addresses that holds every page the arena ever hands out.
 *
 *     base                          frontier                                    base + nbytes
 *      | live | free | cached | free |          reserved, never touched             |
 *      |<----- readable, writable -->|<------------- PROT_NONE -------------------->|
 *
 * Runs of any number of pages go out, lowest address first, and any part of them comes back and
 * is joined with its free neighbours. The frontier moves up in steps when nothing free fits, so
 * that mlockall(2), RLIMIT_DATA and strict overcommit see what is used only. The range is placed
 * far below where the kernel puts mappings by itself.
 *
 * One lock covers the free bits, their summary and the frontier. It is never held across a system
 * call. Where it cannot be had, allocation answers NO_PAGE and what is freed is deferred.
 */
#ifndef REGION_H
#define REGION_H

#include "page_map.h"

/* Where the region is. Set by region_init, cut by region_trim; nbytes 0: there is none. */
struct region {
    uintptr_t base;
    size_t nbytes;
};
extern struct region g_region;

/*
 * Reserves up to nbytes (a multiple of 2 MB), at most an eighth of RLIMIT_AS, halving down to
 * 64 MB where the kernel refuses. False: not even that.
 */
bool region_init(size_t nbytes);

/* A run of 2^order-aligned pages, in flight; NO_PAGE if there is no room, memory or lock. */
size_t region_alloc(size_t npages, unsigned order);

/* Takes exactly these pages if all of them are free. */
bool region_take(size_t first, size_t npages);

/* Gives pages in flight back. They must be plain now; an odd mark is removed here. */
void region_free(size_t first, size_t npages);

/* The same with neither lock nor list: any region call takes them back later. */
void region_defer(size_t first, size_t npages);

/* Gives back what is cached of a range: stacks then list what is not there. */
void region_free_cached(size_t first, size_t npages);

/*
 * Above the frontier there is only what the program maps over: such pages, in flight, become
 * reserved again, as if they had never been used.
 */
void region_reserve_again(size_t first, size_t npages);

/*
 * Gives up the addresses that were never used, for good. Nothing happens where a program has mapped
 * over some of them.
 */
void region_trim(void);

/* Gives up everything that is free, for good. */
void region_unmap_free(void);

/* How many pages lie below the frontier, and how many of them are not free. */
size_t region_used_pages(void);
size_t region_taken_pages(void);

/* Moves the frontier beyond a page; false where it cannot be. */
bool region_extend(size_t page);

/*
 * How many free pages may be dirty if what is taken and what is retained together shall not be more
 * than what was taken at the highest, and a little, or `slack`: a program that frees as much as it
 * allocates keeps all, one whose requests do not fit what is free does not grow.
 */
size_t region_headroom_pages(size_t slack);

/* How many free pages are dirty, that is, retained for nothing but speed. */
size_t region_dirty_pages(void);

/* The least that were since the last call; 0 where the lock cannot be had. */
size_t region_restart_low_water(void);

/* Counts so many of them as there since then: somebody else had them free. */
void region_raise_low_water(size_t npages);

/*
 * Takes free dirty pages out, so that they can be purged: whole superblocks first, highest first.
 * Fills at most nruns runs, until they hold npages dirty pages. Returns how many.
 */
size_t region_take_dirty(struct run *runs, size_t nruns, size_t npages);

/* Gives them back. */
void region_put_purged(const struct run *runs, size_t nruns);

/*
 * For those who need more than one step (claims, fork(2)). False: the lock cannot be had, at all or
 * without waiting.
 */
bool region_lock(bool wait);
void region_unlock(void);
void region_set_free_locked(size_t first, size_t npages);
void region_clear_free_locked(size_t first, size_t npages);

/* In the child: frees what was in flight in threads that are not there any more. */
void region_adopt_in_flight(void);

static inline bool region_owns(uintptr_t addr)
{
    return addr - g_region.base < g_region.nbytes;
}

/* Runs can be had aligned to 2^order pages up to this order: what the base is aligned to. */
static inline unsigned region_order(void)
{
    return (unsigned)__builtin_ctzl(g_region.base >> PAGE_SHIFT);
}

static inline size_t region_page(uintptr_t addr)
{
    return (addr - g_region.base) >> PAGE_SHIFT;
}

static inline void *region_addr(size_t page)
{
    return (void *)(g_region.base + (page << PAGE_SHIFT));
}

#endif
