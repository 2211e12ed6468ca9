/* THP=auto: tables of 2 MB are mapped, and touched sparsely later. */
#include "../progs/prog.h"
int main(int argc, char **argv)
{
    int dense = argc > 1 ? atoi(argv[1]) : 8, n = argc > 2 ? atoi(argv[2]) : 16;
    char *p[1000];
    for (int i = 0; i < dense; i++) memset(map(2 * MB), 1, 2 * MB);
    for (int i = 0; i < n; i++) p[i] = map(2 * MB);
    for (int i = 0; i < n; i++) *p[i] = 1;
    printf("peak %ld MB\n", status_kb("VmHWM:") / 1024);
}
