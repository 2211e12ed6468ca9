/*
 * Huge pages: which superblocks the kernel may back with one page of 2 MB.
 *
 * First touch is 15 times cheaper that way, but what is never touched becomes resident as well. So
 * THP=auto leaves superblocks small until some were found in use. From then on one is made huge when
 * memory is first taken from it, as long as there is little waste in those before:
 *
 *     undecided --> small                4 KB pages
 *         ^    \--> huge --> split       purged in part: 4 KB pages from then on
 *         +----------+---------+         purged whole
 *
 * How much waste there is in a huge one is found by looking (waste.h).
 *
 * Exactly the huge ones are under MADV_HUGEPAGE, but for odd pages, so that a mapping may end for the
 * kernel where the state changes. Nothing is waited for: a race costs speed only.
 */
#ifndef HUGE_H
#define HUGE_H

#include "defs.h"

/* What THP says. Needs the region. */
void huge_init(void);

/* Whether it is decided for each superblock: some are huge, others are not. */
bool huge_are_some(void);

/* In the child of a fork: no other thread is there. */
void huge_forget(void);

/* Before pages in flight, that may be the first of their superblocks, are first used. */
void huge_prepare(size_t first, size_t npages);

/* The same for pages that will be reserved: parts of them go back untouched. */
void huge_decline(size_t first, size_t npages);

/* Before pages are given back: of a part of a huge page, the kernel frees nothing otherwise. */
void huge_unfold(size_t first, size_t npages);

/* After that. */
void huge_purged(size_t first, size_t npages);

/* The same for what a program has given back and keeps. */
void huge_discarded(size_t first, size_t npages);

/* The same for pages that are a fresh mapping now: advised as their neighbours are, it merges with them. */
void huge_mapped(size_t first, size_t npages);

/* os_replace, and that. */
bool huge_replace(size_t first, size_t npages, bool accessible);

/* Where pages were odd when their superblocks became huge or small: advises them as the others. */
void huge_follow(size_t first, size_t npages);

/* If a mapping may end for the kernel within these pages, makes them small, and one mapping. */
void huge_join(size_t first, size_t npages);

#endif
