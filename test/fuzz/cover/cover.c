/*
 * The entry point of libFuzzer. Its process is the shimmed one, with the arena and the shim linked in
 * and instrumented; the plain one is a process that forks anew for each input.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generate.h"
#include "print.h"
#include "turn.h"
#include "worker.h"

#define OPS_OF_AN_INPUT 256

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct op ops[OPS_OF_AN_INPUT];
static int nops;

static void on_difference(void)
{
    print_difference(stderr, &g_shared->difference, ops);
    print_program(stderr, ops, nops, "found with coverage");
    abort();
}

/* Started with PAGEFUZZ_PLAIN set, and the shim off. */
static void __attribute__((noreturn)) serve_plain(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        turn_await(TURN_PLAIN);
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            worker_start(SIDE_PLAIN);
            worker_run();
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

static void map_shared(int fd)
{
    if (mmap((void *)SHARED_ADDRESS, sizeof(struct shared), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != (void *)SHARED_ADDRESS)
        abort();
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    if (getenv("PAGEFUZZ_PLAIN") != NULL) {
        map_shared(atoi(getenv("PAGEFUZZ_PLAIN")));
        serve_plain();
    }
    char text[16];
    int fd = memfd_create("pagefuzz", 0);
    if (fd == -1 || ftruncate(fd, sizeof(struct shared)) != 0)
        abort();
    map_shared(fd);
    g_shared->turn = TURN_SHIM;
    snprintf(text, sizeof text, "%d", fd);
    if (fork() == 0) {
        setenv("PAGEFUZZ_PLAIN", text, 1);
        unsetenv("HAKMEM_PAGE_ARENA_ENABLE");
        execv("/proc/self/exe", *arguments);
        _exit(127);
    }
    worker_start(SIDE_SHIM);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shared *shared = g_shared;
    struct choices choices = {0, data, size};
    nops = generate(&choices, g_flavours, ops, OPS_OF_AN_INPUT);
    /* Sealed memory would stay for good. */
    for (int i = 0; i < nops; i++)
        if (ops[i].kind == OP_SEAL)
            ops[i].kind = OP_READ;
    if (nops == 0)
        return 0;
    memset(shared, 0, offsetof(struct shared, view));
    memcpy(shared->ops, ops, (size_t)nops * sizeof *ops);
    memset(shared->trace, 0, (size_t)nops * sizeof *shared->trace);
    shared->nops = nops;
    shared->check_every = 32;
    shared->on_difference = on_difference;
    shared->turn = TURN_SHIM;
    worker_run();
    worker_clear();
    return 0;
}
