/* THP=auto: mremap copies what has a seam: both copies are resident at the peak. */
#include "../progs/prog.h"
int main(void)
{
    memset(map(4 * MB), 1, 4 * MB);
    memset(map(4 * MB), 1, 4 * MB);
    char *p = map(24 * MB);
    memset(p, 1, 24 * MB);
    map(2 * MB);
    char *stop = p + 24 * MB; (void)stop;
    p = mremap(p, 24 * MB, 32 * MB, MREMAP_MAYMOVE);
    expect(p != MAP_FAILED);
    printf("peak %ld MB\n", status_kb("VmHWM:") / 1024);
}
