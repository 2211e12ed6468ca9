/* mremap of large memory that is not plain, or a part of it, time and again: huge pages behind parts of it do not show. */
#include "prog.h"

enum what { PLAIN, READ_ONLY, DUMPED_NOT, FORKED_NOT, LOCKED, WHATS };

static void change(enum what what, char *p, size_t nbytes)
{
    if (what == READ_ONLY)
        expect(mprotect(p, nbytes, PROT_READ) == 0);
    if (what == DUMPED_NOT)
        expect(madvise(p, nbytes, MADV_DONTDUMP) == 0);
    if (what == FORKED_NOT)
        expect(madvise(p, nbytes, MADV_DONTFORK) == 0);
    if (what == LOCKED)
        expect(mlock(p, nbytes) == 0);
}

static void grow_twice(enum what what, bool before)
{
    static const size_t sizes[] = {8 * MB, 16 * MB, 24 * MB};
    char *p = map(sizes[0]);
    char *above = map(4 * MB);
    if (before && what != READ_ONLY)
        change(what, p, sizes[0]);
    fill(p, sizes[0], 5);
    fill(above, 4 * MB, 6);
    if (!before || what == READ_ONLY)
        change(what, p, sizes[0]);
    for (size_t i = 1; i < COUNT(sizes); i++) {
        p = mremap(p, sizes[i - 1], sizes[i], MREMAP_MAYMOVE);
        show("grow", p != MAP_FAILED);
        expect(is_filled(p, sizes[0], 5) && is_zero(p + sizes[0], sizes[i] - sizes[0]));
    }
    p = mremap(p + MB, sizes[1], sizes[2], MREMAP_MAYMOVE);
    show("from its midst", p != MAP_FAILED);
    expect(is_filled(p, 7 * MB, 5 + MB / PAGE));
    unmap(p, sizes[2]);
    unmap(above, 4 * MB);
}

int main(void)
{
    for (int i = 0; i < 3; i++)
        fill(map(4 * MB), 4 * MB, 1);
    for (enum what what = PLAIN; what < WHATS; what++) {
        grow_twice(what, true);
        grow_twice(what, false);
    }
}
