/*
 * Giving memory back to the kernel: the free pages of the region that are over the budget, or over
 * the region's headroom, whole superblocks first, from the highest address down. Outside any lock; the
 * pages are in flight meanwhile, so that nobody can be given them.
 */
#ifndef PURGE_H
#define PURGE_H

#include "defs.h"

/* Purges what the region retains beyond the budget or its headroom, and up to an eighth of that more. */
void purge_excess(void);

/* Allows for so many pages in the headroom of the region, if that is more than it has by itself. */
void purge_allow(size_t npages);

/* Purges so many pages more, if as many are free and dirty. */
void purge_some(size_t npages);

/* Purges all that is free. */
void purge_all(void);

/* The same, with what any thread has cached: its stacks then list pages that are not there. */
void purge_everything(void);

#endif
