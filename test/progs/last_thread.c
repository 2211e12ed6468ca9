/*
 * The main thread ends before the others: the process ends with the last, with status 0. The exit
 * handlers run there, where they have room, and nothing is blocked.
 */
#include "prog.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static __thread bool is_last;

static void handler(void)
{
    volatile char room[300 * 1024];
    sigset_t blocked;
    for (size_t i = sizeof room; i >= PAGE; i -= PAGE)
        room[i - 1] = 1;
    expect(pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0);
    puts(is_last ? "exit handler: on the last thread" : "exit handler: on another thread");
    puts(sigisemptyset(&blocked) ? "nothing is blocked" : "signals are blocked");
}

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
    is_last = true;
    return NULL;
}

int main(void)
{
    pthread_t thread;
    atexit(handler);
    expect(pthread_create(&thread, NULL, work, NULL) == 0);
    pthread_exit(NULL);
}
