/*
 * Calls on a range of which the program may have unmapped parts of the region.
 *
 * The kernel sees one mapping where the program sees spans with holes between them. So a call is
 * made piece by piece: on what lies outside the region as it is, inside on what is live only.
 */
#ifndef PIECES_H
#define PIECES_H

#include "space.h"

/* Whether a system call gives up at a hole, or does all the rest first: see its man page. */
enum at_hole { HOLE_STOPS, HOLE_IS_PASSED };

/* One piece; returns as the system call does. */
typedef int (*piece_call)(struct range piece, const void *arguments);

/*
 * Makes the call on every piece of a page-aligned range, in order. Returns -1 with the errno of the
 * first call that failed. Where there is a hole the kernel is asked about a page that is never
 * mapped, so that its errno, and the order in which it checks arguments, are its own.
 */
int pieces_call(struct range range, enum at_hole at_hole, piece_call call, const void *arguments);

/* That question alone. */
int pieces_ask_hole(piece_call call, const void *arguments);

#endif
