/* THP=auto: of each table of 2 MB one page is used, and discarded. huge_split() forgets the waste that stays. */
#include "../progs/prog.h"
int main(void)
{
    memset(map(8 * MB), 1, 8 * MB);
    for (int i = 0; i < 100; i++) {
        char *p = map(2 * MB);
        *p = 1;
        madvise(p, PAGE, MADV_DONTNEED);
    }
    printf("peak %ld MB\n", status_kb("VmHWM:") / 1024);
}
