/*
 * pagearena-measure FD [NAME=VALUE ...] "" CMD [ARG ...]: runs CMD once in this environment and no
 * other, and writes what it cost to FD as one line:
 *
 *     wall_ns user_us sys_us minor_faults peak_kb status
 *
 * status is waitpid's; the figures are wait4's: of CMD and all it has waited for, the peak of the
 * largest of them. Where CMD cannot be executed the line is `errno N`.
 *
 * It is not Python that waits because a process starts with the peak (ru_maxrss) of the one that
 * called exec: 12 MB of Python would hide a small CMD. It is not preloaded itself: hence the
 * environment among the arguments. SIGTERM, and the death of its parent, it passes on to CMD.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t g_cmd;

static void pass_on(int signal)
{
    if (g_cmd > 0)
        kill(g_cmd, signal);
}

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long us(struct timeval time)
{
    return time.tv_sec * 1000000LL + time.tv_usec;
}

/* Only where exec fails does the pipe have something to read: its errno. */
static _Noreturn void become(char **cmd, char **env, int failed)
{
    execvpe(cmd[0], cmd, env);
    int error = errno;
    (void)!write(failed, &error, sizeof error);
    _exit(127);
}

/* Returns the errno of exec, or 0 and what wait4 says. */
static int run(char **cmd, char **env, int *status, struct rusage *usage)
{
    int failed[2], error = 0;
    sigset_t none, term;
    sigemptyset(&none);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    if (pipe2(failed, O_CLOEXEC) < 0)
        return errno;
    /* Held back until it is known whom to pass it on to. */
    sigprocmask(SIG_BLOCK, &term, &none);
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        become(cmd, env, failed[1]);
    }
    g_cmd = pid;
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* The keyboard's signals are for CMD. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    close(failed[1]);
    if (read(failed[0], &error, sizeof error) != sizeof error)
        error = 0;
    while (wait4(pid, status, 0, usage) < 0 && errno == EINTR)
        ;
    return error;
}

int main(int argc, char **argv)
{
    int separator = 2;
    while (separator < argc && argv[separator][0] != '\0')
        separator++;
    if (separator + 1 >= argc)
        return 64;
    argv[separator] = NULL;
    int fd = atoi(argv[1]), status = 0;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    signal(SIGTERM, pass_on);
    prctl(PR_SET_PDEATHSIG, SIGTERM);

    struct rusage usage = {0};
    long long start = now_ns();
    int error = run(argv + separator + 1, argv + 2, &status, &usage);
    long long wall = now_ns() - start;
    if (error != 0)
        dprintf(fd, "errno %d\n", error);
    else
        dprintf(fd, "%lld %lld %lld %ld %ld %d\n", wall, us(usage.ru_utime), us(usage.ru_stime),
                usage.ru_minflt, usage.ru_maxrss, status);
    return 0;
}
