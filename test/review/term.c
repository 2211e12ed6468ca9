/* BACKGROUND=1: once only our thread is left, SIGTERM is blocked everywhere: up to a second late, for ever without /proc. */
#include "../progs/prog.h"
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <stdatomic.h>
static void *ends(void *p) { usleep(50000); return p; }
int main(void)
{
    struct timespec a, b; int status; pthread_t t;
    pid_t pid = fork();
    if (pid == 0) { map(PAGE); pthread_create(&t, NULL, ends, NULL); pthread_exit(NULL); }
    clock_gettime(CLOCK_MONOTONIC, &a);
    usleep(100000); kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("ended after %ld ms, status %x\n", (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000, status);
}
