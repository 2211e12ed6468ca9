/*
 * Plain memory put over plain memory is one mapping with it: mremap moves and shrinks both
 * together.
 */
#include "prog.h"

static void join(size_t from, size_t to, bool unmapped_first)
{
    char *p = map_served(16 * PAGE);
    fill(p, 16 * PAGE, 1);
    if (unmapped_first)
        unmap(p + from * PAGE, (to - from) * PAGE);
    expect(mmap(p + from * PAGE, (to - from) * PAGE, RW, ANON | MAP_FIXED, -1, 0) != MAP_FAILED);
    fill(p + from * PAGE, (to - from) * PAGE, 1 + from);
    char *q = mremap(p, 16 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    show("grown", q != MAP_FAILED);
    if (q == MAP_FAILED)
        return;
    expect(is_filled(q, 16 * PAGE, 1) && is_zero(q + 16 * PAGE, 48 * PAGE));
    unmap(q, 64 * PAGE);
}

int main(void)
{
    join(0, 4, false);
    join(4, 8, false);
    join(12, 16, false);
    join(0, 4, true);
    join(4, 8, true);
    join(12, 16, true);
}
