/* The main thread ends before the others: the process ends with the last, with status 0. */
#include "prog.h"

#include <pthread.h>
#include <time.h>

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20; i++) {
        char *p = map(64 * 1024);
        fill(p, 64 * 1024, 1);
        unmap(p, 64 * 1024);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    puts("worked");
    return NULL;
}

int main(void)
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, work, NULL) == 0);
    pthread_exit(NULL);
}
