/*
 * Claims: the program puts a mapping of its own over pages of the region (MAP_FIXED, mremap).
 *
 * claim_begin takes every page of the range, wherever it was, and makes it live and torn; what was
 * not live before is marked as claimed. Then the kernel is asked. If it did, claim_end forgets the
 * marks, and the pages stay torn unless what stands there now is plain; if not, claim_undo takes the
 * marked pages back.
 *
 * A page is taken as everybody takes pages, by clearing its state bit. Pages in flight are waited
 * for: they land in a cache, in the region, or as somebody's new memory. All of the range is had,
 * or none of it.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include "defs.h"

enum claim {
    CLAIM_OK,
    CLAIM_OCCUPIED, /* `vacant` was asked for, and a page is live */
    CLAIM_BUSY,     /* pages in flight did not land in time, or the region's lock is out of reach */
};

/* Without `wait` (in a signal handler) nothing is waited for. */
enum claim claim_begin(size_t first, size_t npages, bool vacant, bool wait);
void claim_end(size_t first, size_t npages, bool torn);
void claim_undo(size_t first, size_t npages);

#endif
