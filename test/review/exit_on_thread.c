/* BACKGROUND=1: where the program's last thread ends by pthread_exit, handlers of atexit(3) run on the 64 KB of our thread, with all
   signals blocked. Plain: "handler ran, 0 signals blocked". */
#include "../progs/prog.h"
#include <pthread.h>
#include <signal.h>
static void handler(void)
{
    sigset_t now;
    volatile char room[200 * 1024];
    int blocked = 0;
    sigprocmask(SIG_SETMASK, NULL, &now);
    for (int i = 1; i < 32; i++) blocked += sigismember(&now, i);
    for (size_t i = sizeof room; i-- != 0;) room[i] = 1;
    printf("handler ran, %d signals blocked\n", blocked);
}
static void *work(void *unused) { usleep(100000); return unused; }
int main(void)
{
    pthread_t thread;
    atexit(handler);
    pthread_create(&thread, NULL, work, NULL);
    pthread_detach(thread);
    pthread_exit(NULL);
}
