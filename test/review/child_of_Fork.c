/* BACKGROUND=1: a child of _Fork is of a process with one thread, and yet lacks one that holds a lock or pages: MAP_FIXED over memory it has unmapped fails or stalls. */
#include "../progs/prog.h"
#include <time.h>
int main(void)
{
    int bad = 0, slow = 0, status;
    for (int i = 0; i < 300; i++) {
        char *p[20];
        for (int k = 0; k < 20; k++) { p[k] = map(3 << 20); memset(p[k], 1, 3 << 20); }
        for (int k = 0; k < 20; k++) unmap(p[k], 3 << 20);
        usleep(i * 97 % 3000);
        pid_t pid = _Fork();
        if (pid == 0) {
            struct timespec a, b; int r = 0;
            clock_gettime(CLOCK_MONOTONIC, &a);
            for (int k = 0; k < 20; k++) if (mmap(p[k], 3 << 20, RW, ANON | MAP_FIXED, -1, 0) != p[k]) { r = 1; break; }
            clock_gettime(CLOCK_MONOTONIC, &b);
            _exit(r | (b.tv_sec * 1000 + b.tv_nsec / 1000000 - a.tv_sec * 1000 - a.tv_nsec / 1000000 > 500) * 2);
        }
        waitpid(pid, &status, 0);
        bad += WEXITSTATUS(status) & 1; slow += WEXITSTATUS(status) >> 1;
        if (slow > 3) break;
    }
    printf("%d children with ENOMEM, %d that took more than 500 ms\n", bad, slow);
}
