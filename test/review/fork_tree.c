/* THP=auto: children that write one byte of each page they inherit, and map sparsely. Prints the sum of private memory, in MB. */
#include "../progs/prog.h"
static long private_kb(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r"); char line[256]; long kb = 0;
    while (fgets(line, sizeof line, f)) if (strncmp(line, "Private_Dirty:", 14) == 0) kb = atol(line + 14);
    fclose(f); return kb;
}
int main(void)
{
    char *p[16]; int fd[2]; long sum = 0; expect(pipe(fd) == 0);
    for (int i = 0; i < 16; i++) { p[i] = map(2 * MB); memset(p[i], 1, 2 * MB); }
    for (int c = 0; c < 4; c++)
        if (fork() == 0) {
            for (int i = 0; i < 16; i++) for (int k = 0; k < 8; k++) p[i][(k * 61 + c) % 512 * PAGE]++;
            for (int i = 0; i < 12; i++) *map(2 * MB) = 1;
            long kb = private_kb(); expect(write(fd[1], &kb, sizeof kb) == sizeof kb);
            sleep(1); _exit(0);
        }
    for (int c = 0; c < 4; c++) { long kb; expect(read(fd[0], &kb, sizeof kb) == sizeof kb); sum += kb; }
    printf("children %ld MB\n", sum / 1024);
}
