/*
 * Calls on a range of which the program may have unmapped parts of the region.
 *
 * The kernel sees one mapping where the program sees spans with holes between them. So a call is
 * made piece by piece: on what lies outside the region as it is, inside on what is live only.
 */
#ifndef PIECES_H
#define PIECES_H

#include "space.h"

/* What a system call does when it meets a hole: see the man page's ENOMEM. */
enum at_hole { HOLE_STOPS, HOLE_IS_PASSED };

/* One piece; returns as the system call does. */
typedef int (*piece_call)(struct range piece, const void *arguments);

/*
 * Makes the call on every piece of a page-aligned range, in order. Returns -1 with the errno of the
 * first call that failed, or with ENOMEM where there was a hole.
 */
int pieces_call(struct range range, enum at_hole at_hole, piece_call call, const void *arguments);

#endif
