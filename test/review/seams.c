/* THP=auto: how many mappings (vm.max_map_count: 65530) for memory that is one mapping without us. */
#include "../progs/prog.h"
int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 4000;
    char **p = malloc(n * sizeof *p);
    size_t before = count_mappings();
    for (int i = 0; i < n; i++) {
        p[i] = map(2 * MB);
        memset(p[i], 1, 2 * MB);
        if (i > 0) madvise(p[i - 1], 2 * MB, MADV_DONTNEED);
    }
    for (int i = 0; i < n; i += 2) madvise(p[i], PAGE, MADV_DONTNEED);
    printf("%zu more mappings\n", count_mappings() - before);
}
