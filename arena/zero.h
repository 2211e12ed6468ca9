/*
 * Who guarantees zeros: memory that mmap(2) hands out reads as zero.
 *
 * A page that was never used, or was given back with MADV_DONTNEED, is clean and is handed out
 * untouched. Everything else is dirty and is cleared when it is handed out, when its cache lines
 * are about to be used. After use, mincore(2) tells which pages of a span were touched; a small one
 * is taken as dirty as a whole, without asking, as long as the last of its size that was asked about
 * was. A page that is not resident may sit in swap with its old bytes:
 * where the machine has swap, such pages are given back for good.
 *
 * All work is done on pages in flight, which nobody else looks at, and never under a lock.
 */
#ifndef ZERO_H
#define ZERO_H

#include "defs.h"
#include "page_arena.h"

/* Makes pages in flight read as zero. */
void zero_prepare(size_t first, size_t npages);

/*
 * Notes which of the pages, that a program has used, are dirty now. See PageDensity for `density`.
 * With SCRUB they are cleared, too.
 */
void zero_retire(size_t first, size_t npages, PageDensity *density);

/*
 * With SCRUB: clears dirty pages in flight. They stay dirty, which is what tells that they are retained,
 * and are cleared once more when they are handed out.
 */
void zero_scrub(size_t first, size_t npages);

/* Gives the memory back and notes the pages as clean. False: they are as they were. */
bool zero_purge(size_t first, size_t npages);

/* The same for several runs, at most OS_RANGES_MOST. False: none of them could be purged. */
bool zero_purge_runs(const struct run *runs, size_t count);

/* Copies live pages to memory that reads as zero: what was never touched is not touched there. */
void zero_copy(void *to, size_t first, size_t npages);

/*
 * Whether this kernel does what the above relies on: MADV_DONTNEED clears, mincore(2) knows a
 * touched page. Some emulators lie. Needs the region; mincore alone failing is not fatal.
 */
bool zero_selftest(void);

/* Of pages that were zero, and that the program could not touch: those are dirty that are resident all the same. */
void zero_ask(size_t first, size_t npages);

#endif
