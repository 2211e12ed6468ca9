#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"
#include "turn.h"
#include "worker.h"

#define NO_PROGRESS_MS 20000
#define TICK_MS 10
#define CLASHES_MOST 5

static int shared_fd;

static void map_shared(int fd)
{
    void *at = mmap((void *)SHARED_ADDRESS, sizeof(struct shared), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    if (at != (void *)SHARED_ADDRESS) {
        perror("pagefuzz: shared memory");
        exit(2);
    }
}

void run_init(void)
{
    shared_fd = memfd_create("pagefuzz", 0);
    if (shared_fd == -1 || ftruncate(shared_fd, sizeof(struct shared)) != 0) {
        perror("pagefuzz: shared memory");
        exit(2);
    }
    map_shared(shared_fd);
}

void run_as_worker(const char *side, const char *fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    map_shared(atoi(fd));
    worker_start(strcmp(side, "shim") == 0 ? SIDE_SHIM : SIDE_PLAIN);
    worker_run();
    _exit(0);
}

static pid_t start(const struct run_options *options, enum side side)
{
    char fd[16];
    snprintf(fd, sizeof fd, "%d", shared_fd);
    char *arguments[] = {"pagefuzz", "--worker", side == SIDE_SHIM ? "shim" : "plain", fd, NULL};
    return spawn(side == SIDE_SHIM ? options->shim : NULL, options->flavour->environment,
                 arguments);
}

/* Until the controller has its turn, or a process has ended before. */
static void wait_for_end(pid_t *children)
{
    struct difference *difference = &g_shared->difference;
    int at = -1;
    for (int idle = 0; !turn_await_for(TURN_CONTROLLER, TICK_MS); idle += TICK_MS) {
        for (int i = 0; i < 2; i++) {
            int status;
            /* The plain one may end first, when it has shown its last view. */
            if (children[i] == 0 || waitpid(children[i], &status, WNOHANG) != children[i])
                continue;
            children[i] = 0;
            if (status != 0) {
                difference->kind = DIFFERENCE_CRASH;
                difference->op = g_shared->at;
                difference->kernel = i == SIDE_PLAIN ? status : 0;
                difference->shim = i == SIDE_SHIM ? status : 0;
                return;
            }
        }
        if (at != g_shared->at)
            idle = 0;
        at = g_shared->at;
        if (idle > NO_PROGRESS_MS) {
            difference->kind = DIFFERENCE_HANG;
            difference->op = at;
            return;
        }
    }
}

static void end(const pid_t *children)
{
    for (int i = 0; i < 2; i++) {
        if (children[i] == 0)
            continue;
        kill(-children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
}

struct difference run(const struct run_options *options, const struct op *ops, int nops)
{
    struct shared *shared = g_shared;
    for (int i = 0; i < CLASHES_MOST; i++) {
        memset(shared, 0, offsetof(struct shared, view));
        memcpy(shared->ops, ops, (size_t)nops * sizeof *ops);
        memset(shared->trace, 0, (size_t)nops * sizeof *shared->trace);
        shared->nops = nops;
        shared->check_every = options->check_every;
        shared->threads = options->flavour->threads;
        shared->difference.slot = -1;
        for (const char *const *knob = options->flavour->environment; *knob != NULL; knob++)
            shared->guard |= strcmp(*knob, "HAKMEM_PAGE_ARENA_GUARD=1") == 0;
        shared->turn = TURN_SHIM;
        pid_t children[2] = {start(options, SIDE_SHIM), start(options, SIDE_PLAIN)};
        wait_for_end(children);
        end(children);
        if (!shared->difference.clash)
            break;
    }
    return shared->difference;
}
