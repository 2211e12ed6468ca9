#include "attempt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "spawn.h"

#define NO_PROGRESS_MS 20000

static int common_fd;

static void map_common(int fd)
{
    void *at = mmap((void *)COMMON_ADDRESS, sizeof(struct common), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    if (at != (void *)COMMON_ADDRESS) {
        perror("heapfuzz: shared memory");
        exit(2);
    }
}

void attempt_init(void)
{
    common_fd = memfd_create("heapfuzz", 0);
    if (common_fd == -1 || ftruncate(common_fd, sizeof(struct common)) != 0) {
        perror("heapfuzz: shared memory");
        exit(2);
    }
    map_common(common_fd);
}

void attempt_work(const char *fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    map_common(atoi(fd));
    crew_run();
}

static long progress(void)
{
    long sum = 0;
    for (int i = 0; i < THREADS_MOST; i++)
        sum += __atomic_load_n(&g_common->threads[i].at, __ATOMIC_RELAXED);
    return sum;
}

/* Waits until the worker has ended; false: it had to be ended. */
static bool await_end(pid_t worker, int *status)
{
    long last = -1;
    for (int idle = 0; waitpid(worker, status, WNOHANG) == 0; idle++) {
        usleep(1000);
        if (progress() != last)
            idle = 0;
        last = progress();
        if (idle > NO_PROGRESS_MS) {
            kill(-worker, SIGKILL);
            waitpid(worker, status, 0);
            return false;
        }
    }
    return true;
}

static struct fault fault_of(pid_t worker)
{
    int status;
    bool ended = await_end(worker, &status);
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_AS_MEANT) {
        fputs("heapfuzz: the library does not take effect, or there are no threads\n", stderr);
        exit(2);
    }
    struct fault fault = g_common->fault;
    if (fault.kind == FAULT_NONE && status != 0) {
        fault.kind = ended ? FAULT_CRASH : FAULT_HANG;
        fault.by = status;
        fault.step = g_common->threads[0].at;
        fault.slot = g_common->steps[fault.step].slot;
    }
    return fault;
}

struct fault attempt_run(const struct attempt *attempt, const struct step *steps, int nsteps)
{
    char fd[16];
    snprintf(fd, sizeof fd, "%d", common_fd);
    char *arguments[] = {"heapfuzz", "--worker", fd, NULL};
    memset(g_common, 0, offsetof(struct common, steps));
    memcpy(g_common->steps, steps, (size_t)nsteps * sizeof *steps);
    g_common->nsteps = nsteps;
    g_common->nthreads = attempt->plan->nthreads;
    g_common->plain = attempt->plan->plain;
    g_common->retained = attempt->plan->retained;
    const char *shim = attempt->plan->plain ? NULL : attempt->shim;
    return fault_of(spawn(shim, attempt->plan->knobs, arguments));
}
