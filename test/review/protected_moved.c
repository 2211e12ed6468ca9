/* THP=auto: the same as moved_twice with mprotect, mlock. */
#include "../progs/prog.h"
int main(int argc, char **argv)
{
    (void)argv;
    memset(map(4 * MB), 1, 4 * MB);
    memset(map(4 * MB), 1, 4 * MB);
    char *p = map(8 * MB);
    map(4 * MB);
    memset(p, 1, 8 * MB);
    if (argc > 1) expect(mlock(p, 8 * MB) == 0);
    else expect(mprotect(p, 8 * MB, PROT_READ) == 0);
    p = mremap(p, 8 * MB, 16 * MB, MREMAP_MAYMOVE);
    show("grow", p != MAP_FAILED);
    if (p == MAP_FAILED) return 1;
    p = mremap(p, 16 * MB, 32 * MB, MREMAP_MAYMOVE);
    show("grow again", p != MAP_FAILED);
    return 0;
}
