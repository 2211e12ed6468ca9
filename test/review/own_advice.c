/* THP=auto: the program's own MADV_HUGEPAGE is undone when it discards a part: later faults are of 4 KB. Prints faults for 2 MB. */
#include "../progs/prog.h"
#include <sys/resource.h>
static long faults(void) { struct rusage u; getrusage(RUSAGE_SELF, &u); return u.ru_minflt; }
int main(void)
{
    memset(map(4 * MB), 1, 4 * MB);
    memset(map(4 * MB), 1, 4 * MB);
    char *p = map(2 * MB);
    while ((uintptr_t)p % (2 * MB)) p = map(2 * MB);
    expect(madvise(p, 2 * MB, MADV_HUGEPAGE) == 0);
    memset(p, 1, 2 * MB);
    for (int part = 0; part < 2; part++) expect(madvise(p + part * MB, MB, MADV_DONTNEED) == 0);
    expect(madvise(p, 2 * MB, MADV_DONTNEED) == 0);
    long before = faults();
    memset(p, 1, 2 * MB);
    printf("faults %ld\n", faults() - before);
}
