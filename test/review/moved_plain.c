/* THP=auto: plain memory moved to a fixed place over a seam, DONTUNMAP, then grown. */
#include "../progs/prog.h"
int main(void)
{
    memset(map(4 * MB), 1, 4 * MB);
    memset(map(4 * MB), 1, 4 * MB);
    char *p = map(8 * MB), *q;
    map(4 * MB);
    fill(p, 8 * MB, 3);
    q = mremap(p, 8 * MB, 8 * MB, MREMAP_MAYMOVE | 4, NULL);
    show("dontunmap", q != MAP_FAILED);
    expect(is_filled(q, 8 * MB, 3) && is_zero(p, 8 * MB));
    char *to = mmap(NULL, 64 * MB, PROT_NONE, ANON, -1, 0);
    char *r = mremap(q, 8 * MB, 16 * MB, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    show("fixed", r == to);
    expect(is_filled(to, 8 * MB, 3) && is_zero(to + 8 * MB, 8 * MB));
    r = mremap(to, 16 * MB, 40 * MB, MREMAP_MAYMOVE);
    show("grown", r != MAP_FAILED);
    expect(is_filled(r, 8 * MB, 3));
    size_t before = count_mappings();
    r = mremap(r + 4 * PAGE, 3 * MB + PAGE, 5 * MB, MREMAP_MAYMOVE);
    show("odd pages", r != MAP_FAILED);
    expect(is_filled(r, 3 * MB, 7));
    p = map(8 * MB); fill(p, 8 * MB, 9);
    r = mremap(p + MB + PAGE, 4 * MB, 6 * MB, MREMAP_MAYMOVE);
    show("middle", r != MAP_FAILED); expect(is_filled(r, 4 * MB, 9 + 257));
    (void)before;
}
