/* mremap with old_size 0: a second view of shared memory, EINVAL for private memory. */
#include "prog.h"

int main(void)
{
    char *p = map_served(16 * PAGE);
    fill(p, 16 * PAGE, 1);
    show("private", mremap(p, 0, 16 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
    show("private, in place", mremap(p, 0, 16 * PAGE, 0) != MAP_FAILED);
    expect(is_filled(p, 16 * PAGE, 1));

    expect(mmap(p, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
    fill(p, 8 * PAGE, 2);
    char *q = mremap(p, 0, 8 * PAGE, MREMAP_MAYMOVE);
    show("shared", q != MAP_FAILED);
    expect(is_filled(q, 8 * PAGE, 2));
    fill(q, 8 * PAGE, 3);
    expect(is_filled(p, 8 * PAGE, 3) && is_filled(p + 8 * PAGE, 8 * PAGE, 9));

    char *into = map_served(8 * PAGE);
    show("fixed", mremap(p, 0, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, into) == into);
    fill(into, 8 * PAGE, 4);
    expect(is_filled(p, 8 * PAGE, 4) && is_filled(q, 8 * PAGE, 4));
    unmap(into, 8 * PAGE);
    reuse(into, 8 * PAGE);
    unmap(p, 16 * PAGE);
    reuse(p, 16 * PAGE);
    expect(is_filled(q, 8 * PAGE, 4));
    unmap(q, 8 * PAGE);
    show("unmapped", mremap(p, 0, 8 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}
