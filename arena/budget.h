/*
 * How much may stay: arithmetic only, without locks or system calls.
 *
 * The knobs HOT_SIZE, WARM_64K, WARM_128K and WARM_2M bound the process. A thread's stack may hold
 * as many entries as it was granted out of them, and is granted more when it is full, until there
 * are none left. Runs of 2 to 15 pages count as so many single ones. What the knobs allow in bytes
 * (164 MB by default), less what stacks were granted, is what the region may retain.
 */
#ifndef BUDGET_H
#define BUDGET_H

#include "defs.h"

/* Sets the bounds from the configuration; DECAY_MS=0 allows nothing. */
void budget_init(void);

/* Grants a stack for spans of npages some more entries, at most `wanted`; 0 if none are left. */
size_t budget_grant(size_t npages, size_t wanted);
void budget_return(size_t npages, size_t granted);

/* The same for blocks of malloc, by the page, out of what is there for 2 MB spans. False: too little. */
bool budget_grant_pages(size_t npages);
void budget_return_pages(size_t npages);

/* Allows no more than so many pages in all, from now on. */
void budget_limit(size_t npages);

/* How many free dirty pages the region may have. */
size_t budget_region_pages(void);

#endif
