/*
 * A handler that interrupts mapping forks; parent and child go on where they were, and are right.
 */
#include <signal.h>
#include <sys/time.h>

#include "busy_threads.h"

#define FORKS 100

static volatile size_t nforks;
static volatile bool is_child;

static void on_alarm(int unused)
{
    (void)unused;
    int before = errno;
    if (is_child || nforks == FORKS)
        return;
    pid_t pid = fork();
    expect(pid >= 0);
    if (pid == 0) {
        busy_cycle(nforks, 20);
        is_child = true;
    } else {
        int status;
        busy_cycle(nforks, 30);
        expect(waitpid(pid, &status, 0) == pid && status == 0);
        nforks++;
    }
    errno = before;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    size_t left = 20;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (size_t turn = 0; nforks < FORKS; turn++) {
        busy_cycle(turn, 10);
        if (is_child && left-- == 0)
            _exit(0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    for (size_t turn = 0; turn < 20; turn++)
        busy_cycle(turn, 10);
    puts("contents ok");
}
