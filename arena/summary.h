/*
 * Where runs of free pages are: an address-ordered first fit whose cost does not depend on how
 * many spans are live.
 *
 * A tree over the groups of 64 pages, eight children to a node, in flat arrays level by level. A node
 * tells of its pages the free run at the start, the longest anywhere and the one at the end (as in
 * Go's runtime/mpagealloc.go), and the largest naturally aligned free power of two. A search goes
 * down one path; a change is carried up only as far as it makes a difference.
 *
 *     level 2    [                     16 MB                       ]
 *     level 1    [ 2 MB ][      ][      ][      ][      ][      ][      ][      ]   superblocks
 *     level 0    [256K][256K][256K] ...      one node for each group, from the page map
 *
 * Only as many levels are kept as what was ever free needs, and a search starts at the top one of
 * these.
 *
 * Not synchronised: every call is made under the region's lock.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "defs.h"

/* Makes the tree for npages pages, none of them free. False: no memory. */
bool summary_init(size_t npages);

/* Forgets the pages from npages on, for good: they are not free. Called once. */
void summary_trim(size_t npages);

/* Pages below npages may be free from now on; more levels are kept as that grows. */
void summary_extend(size_t npages);

/* Reads the page map's free bits of [first, first + npages) anew. */
void summary_update(size_t first, size_t npages);

/* Whether every page of a superblock is free. */
bool summary_is_free(size_t super);

/* The lowest run of npages free pages; NO_PAGE if there is none. */
size_t summary_find(size_t npages);

/* The lowest free run of 2^order pages, 2^order-aligned; NO_PAGE if there is none. */
size_t summary_find_aligned(unsigned order);

#endif
