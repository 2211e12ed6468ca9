/*
 * A signal at every instruction of mmap and munmap: its handler maps, writes, unmaps, also what the
 * main program mapped, forks, or leaves by siglongjmp. Nothing hangs, and what is live keeps its
 * contents.
 *
 * The parent steps the child with ptrace(2): between two breakpoints it takes k steps, then sends
 * the signal, for k = 0, stride, 2 * stride and so on until the operation is over before.
 *
 * usage: signal_each_instruction [stride, 41 unless told]
 */
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum what { MAPS, FORKS, JUMPS, NKINDS };
static const char *const names[] = {"maps and unmaps", "forks", "jumps out"};

static volatile enum what what;
static sigjmp_buf out;
static char *volatile lent;
static const size_t lent_bytes = 65536;

static char *map(size_t nbytes)
{
    char *memory = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        _exit(10);
    for (size_t i = 0; i < nbytes; i += 4096)
        if (memory[i] != 0)
            _exit(11);
    return memory;
}

static void unmap(char *memory, size_t nbytes)
{
    if (munmap(memory, nbytes) != 0)
        _exit(12);
}

static void work(size_t nbytes)
{
    char *memory = map(nbytes);
    memset(memory, 0x55, nbytes);
    unmap(memory, nbytes);
}

static void handler(int signal)
{
    (void)signal;
    work(4096);
    unmap(map(300000), 300000);
    if (lent != NULL) {
        unmap(lent, lent_bytes);
        lent = NULL;
    }
    if (what == FORKS) {
        pid_t child = fork();
        if (child == 0) {
            work(65536);
            _exit(0);
        }
        int status;
        if (waitpid(child, &status, 0) != child || status != 0)
            _exit(13);
    }
    if (what == JUMPS)
        siglongjmp(out, 1);
}

/* What is stepped through. */
static void operation(void)
{
    char *small = map(4096);
    char *large = mmap(NULL, 200000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    small[0] = 1;
    unmap(small, 4096);
    unmap(large, 200000);
}

static void child(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR1, &action, NULL);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    operation();
    for (;;) {
        char *kept = map(8192);
        lent = map(lent_bytes);
        memset(lent, 0x33, lent_bytes);
        memset(kept, 0x77, 8192);
        if (sigsetjmp(out, 1) == 0) {
            raise(SIGTRAP);
            operation();
        }
        raise(SIGTRAP);
        for (size_t i = 0; i < 8192; i++)
            if (kept[i] != 0x77)
                _exit(14);
        unmap(kept, 8192);
        if (lent != NULL)
            unmap(lent, lent_bytes);
        lent = NULL;
        work(65536);
        work(4096);
    }
}

/* Runs until the next SIGTRAP stop; false: the child is gone, *status says how. */
static int run_to_trap(pid_t pid, int *status, int signal)
{
    for (;;) {
        ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signal);
        if (waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status))
            return 0;
        if (WSTOPSIG(*status) == SIGTRAP)
            return 1;
        signal = WSTOPSIG(*status);
    }
}

/*
 * Takes `steps` steps, the repeats of a string instruction counted as one; false: the closing
 * breakpoint, or the end, came before.
 */
static int take_steps(pid_t pid, int *status, long steps)
{
    long last = 0;
    for (long i = 0; i < steps;) {
        long at = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), NULL);
        i += at != last;
        last = at;
        ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
        if (waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status))
            return 0;
        siginfo_t info;
        ptrace(PTRACE_GETSIGINFO, pid, NULL, &info);
        if (info.si_code == SI_TKILL)
            return 0;
    }
    return 1;
}

static int step_all(enum what kind, long stride)
{
    int status;
    what = kind;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        child();
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return 0;
    long k = 0;
    while (take_steps(pid, &status, k)) {
        if (!run_to_trap(pid, &status, SIGUSR1) || !run_to_trap(pid, &status, 0)) {
            printf("%s: after %ld steps: status %#x\n", names[kind], k, (unsigned)status);
            return 0;
        }
        k += stride;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return k > 0;
}

int main(int argc, char **argv)
{
    long stride = argc > 1 ? atol(argv[1]) : 41;
    alarm(argc > 1 ? 0 : 200);
    for (int kind = 0; kind < NKINDS; kind++)
        printf("%s: %s\n", names[kind], step_all((enum what)kind, stride) ? "ok" : "broken");
    return 0;
}
