/* mremap calls that the kernel refuses: with its errno, and without a change. */
#include "prog.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define FIXED (MREMAP_MAYMOVE | MREMAP_FIXED)
#define REMAP(...) show("mremap" #__VA_ARGS__, mremap __VA_ARGS__ != MAP_FAILED)

int main(void)
{
    char *p = map_served(16 * PAGE);
    char *hole = p + 8 * PAGE;
    char *q = map_served(16 * PAGE);
    fill(p, 16 * PAGE, 1);
    fill(q, 16 * PAGE, 2);
    unmap(hole, 4 * PAGE);

    REMAP((p, 8 * PAGE, 8 * PAGE, 0x80));
    REMAP((p, 8 * PAGE, 9 * PAGE, MREMAP_FIXED, q));
    REMAP((p, 8 * PAGE, 8 * PAGE, MREMAP_DONTUNMAP));
    REMAP((p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
    REMAP((p, 8 * PAGE, 0, MREMAP_MAYMOVE));
    REMAP((p + 1, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
    REMAP((p, 8 * PAGE, 8 * PAGE, FIXED, q + 1));
    REMAP((p, 8 * PAGE, 8 * PAGE, FIXED, p));
    REMAP((p, 8 * PAGE, 8 * PAGE, FIXED, p + 4 * PAGE));
    REMAP((p + 4 * PAGE, 4 * PAGE, 8 * PAGE, FIXED, p));
    REMAP((p, 8 * PAGE, 8 * PAGE, FIXED, (void *)-(8 * PAGE)));
    REMAP((p, 8 * PAGE, (size_t)1 << 47, MREMAP_MAYMOVE));
    REMAP((p, 8 * PAGE, SIZE_MAX, MREMAP_MAYMOVE));
    REMAP((p, SIZE_MAX, 8 * PAGE, MREMAP_MAYMOVE));
    REMAP((hole, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    REMAP((hole, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
    REMAP((hole, PAGE, 2 * PAGE, 0));
    REMAP((hole, 4 * PAGE, 4 * PAGE, FIXED, q));
    REMAP((p, 9 * PAGE, 12 * PAGE, MREMAP_MAYMOVE));
    REMAP((p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE));
    REMAP((hole, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE));
    REMAP((p, 12 * PAGE, 12 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));

    expect(is_filled(p, 8 * PAGE, 1) && is_filled(p + 12 * PAGE, 4 * PAGE, 13));
    expect(is_filled(q, 16 * PAGE, 2));
    expect(!is_mapped(hole, 1) && !is_mapped(hole + 3 * PAGE, 1));
    unmap(p, 16 * PAGE);
    unmap(q, 16 * PAGE);
    reuse(p, 16 * PAGE);
    reuse(q, 16 * PAGE);
}
