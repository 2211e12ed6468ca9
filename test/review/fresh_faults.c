/* One mapping of 32 MB, filled: how many faults? With huge pages for everybody (enabled=always), plain takes 16. */
#include "../progs/prog.h"
#include <sys/resource.h>
static long faults(void) { struct rusage u; getrusage(RUSAGE_SELF, &u); return u.ru_minflt; }
int main(int argc, char **argv)
{
    size_t n = argc > 1 ? atoi(argv[1]) * MB : 32 * MB;
    int rounds = argc > 2 ? atoi(argv[2]) : 1;
    long before = faults();
    for (int i = 0; i < rounds; i++) { char *p = map(n); memset(p, 1, n); }
    printf("faults %ld\n", faults() - before);
}
