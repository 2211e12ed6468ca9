#include "pieces.h"

#include <errno.h>

/* The part of [start, range.end) that comes first: outside the region, or live; a hole is skipped. */
static struct range next_piece(struct range range, bool *hole)
{
    struct range inside = space_clip(range);
    if (inside.start == inside.end)
        return range;
    if (inside.start > range.start)
        return (struct range){range.start, inside.start};
    struct range live = space_next_live(inside);
    *hole |= live.start > inside.start;
    return live;
}

/* The page above the last of user space. */
int pieces_ask_hole(piece_call call, const void *arguments)
{
    return call((struct range){0x7ffffffff000, 0x800000000000}, arguments);
}

int pieces_call(struct range range, enum at_hole at_hole, piece_call call, const void *arguments)
{
    bool hole = false;
    while (range.start < range.end) {
        bool hole_here = false;
        struct range piece = next_piece(range, &hole_here);
        if (hole_here && at_hole == HOLE_STOPS && pieces_ask_hole(call, arguments) != 0)
            return -1;
        hole |= hole_here;
        if (piece.start < piece.end && call(piece, arguments) != 0) {
            if (errno != ENOMEM || at_hole == HOLE_STOPS)
                return -1;
            hole = true;
        }
        range.start = piece.end;
    }
    return hole && at_hole == HOLE_IS_PASSED ? pieces_ask_hole(call, arguments) : 0;
}
