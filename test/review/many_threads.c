/* THP=auto: threads that each get a chunk, and use little of it, at the same time. */
#include "../progs/prog.h"
#include <pthread.h>
static pthread_barrier_t all;
static void *work(void *unused)
{
    char *p = malloc(8200);
    pthread_barrier_wait(&all);
    memset(p, 1, 8200);
    pthread_barrier_wait(&all);
    return unused;
}
int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 50;
    pthread_t thread;
    memset(map(4 * MB), 1, 4 * MB); memset(map(4 * MB), 1, 4 * MB);
    pthread_barrier_init(&all, NULL, n + 1);
    for (int i = 0; i < n; i++) expect(pthread_create(&thread, NULL, work, NULL) == 0);
    pthread_barrier_wait(&all);
    pthread_barrier_wait(&all);
    printf("peak %ld MB\n", status_kb("VmHWM:") / 1024);
}
