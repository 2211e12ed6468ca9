/* All threads end by the system call itself, with no exit handler: so does the process. */
#include "prog.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static void use(void)
{
    char *p = map(2 * MB);
    fill(p, 2 * MB, 1);
    unmap(p, 2 * MB);
}

static void *work(void *unused)
{
    (void)unused;
    use();
    nanosleep(&(struct timespec){0, 10000000}, NULL);
    syscall(SYS_exit, 0);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    use();
    expect(pthread_create(&thread, NULL, work, NULL) == 0);
    puts("goes");
    fflush(stdout);
    syscall(SYS_exit, 0);
}
