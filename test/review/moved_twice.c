/* THP=auto: memory under a lasting advice is moved in pieces, and is several mappings from then on. */
#include "../progs/prog.h"
int main(int argc, char **argv)
{
    int advice = argc > 1 ? atoi(argv[1]) : MADV_DONTDUMP;
    memset(map(4 * MB), 1, 4 * MB);
    memset(map(4 * MB), 1, 4 * MB);
    char *p = map(8 * MB);
    map(4 * MB);
    expect(madvise(p, 8 * MB, advice) == 0);
    memset(p, 1, 8 * MB);
    p = mremap(p, 8 * MB, 16 * MB, MREMAP_MAYMOVE);
    show("grow", p != MAP_FAILED);
    if (p == MAP_FAILED) return 1;
    p = mremap(p, 16 * MB, 32 * MB, MREMAP_MAYMOVE);
    show("grow again", p != MAP_FAILED);
    return p == MAP_FAILED;
}
