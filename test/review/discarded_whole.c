/* THP=auto: chunks of 2 MB that were full are discarded whole (MADV_DONTNEED), of which one page is used then. */
#include "../progs/prog.h"
int main(void)
{
    char *before = map(2 * MB);
    memset(before, 1, 2 * MB);
    for (int i = 0; i < 100; i++) {
        char *p = map(2 * MB);
        memset(p, 1, 2 * MB);
        madvise(before, 2 * MB, MADV_DONTNEED);
        *before = 1;
        before = p;
    }
    printf("peak %ld MB\n", status_kb("VmHWM:") / 1024);
}
