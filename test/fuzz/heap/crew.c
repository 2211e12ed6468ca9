#include "crew.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "perform.h"
#include "shadow.h"

struct part {
    int thread;
    int from; /* the round's steps */
    int to;
    bool in_child;
};

/* Compares the thread's slots: those of others may be changing. */
static void check_slots(int thread, int step)
{
    for (int slot = 0; slot < NSLOTS; slot++)
        if (g_blocks[slot].origin != ORIGIN_NONE &&
            step_owner(slot, g_common->steps[step].round, g_common->nthreads) == thread)
            shadow_check(slot, step);
}

static void run_part(const struct part *part);

/* Returns once the child has done its steps. */
static void run_child(int step, const struct part *part)
{
    shadow_lock();
    pid_t child = fork();
    shadow_unlock();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fault_in_child();
        check_slots(part->thread, step);
        run_part(part);
        check_slots(part->thread, part->to - 1);
        _exit(0);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) == -1 && errno == EINTR)
        continue;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_FAULT)
        _exit(STATUS_FAULT);
    if (status != 0) {
        int at = g_common->threads[part->thread].at;
        fault_say(&(struct fault){
            .kind = FAULT_CRASH, .step = at, .slot = g_common->steps[at].slot, .by = status});
    }
    check_slots(part->thread, step);
}

/* The end of a child's steps: those are the thread's next count ones, in this round. */
static int child_end(int step, const struct part *part)
{
    uint64_t left = g_common->steps[step].count;
    int end = step + 1;
    for (; end < part->to && left > 0; end++)
        left -= g_common->steps[end].thread == part->thread;
    return end;
}

static void run_part(const struct part *part)
{
    for (int i = part->from; i < part->to; i++) {
        const struct step *step = &g_common->steps[i];
        if (step->thread != part->thread)
            continue;
        __atomic_store_n(&g_common->threads[part->thread].at, i, __ATOMIC_RELAXED);
        if (step->kind != STEP_FORK) {
            perform(i);
        } else if (!part->in_child) {
            int end = child_end(i, part);
            run_child(i, &(struct part){part->thread, i + 1, end, true});
            i = end - 1;
        }
    }
}

static void *start_part(void *part)
{
    run_part(part);
    return NULL;
}

/* With threads that are new in each round, so that what they leave behind is used, too. */
static void run_round(int from, int to)
{
    struct part parts[THREADS_MOST];
    pthread_t threads[THREADS_MOST];
    for (int i = 0; i < g_common->nthreads; i++)
        parts[i] = (struct part){i, from, to, false};
    for (int i = 1; i < g_common->nthreads; i++)
        if (pthread_create(&threads[i], NULL, start_part, &parts[i]) != 0)
            _exit(STATUS_NOT_AS_MEANT);
    run_part(&parts[0]);
    for (int i = 1; i < g_common->nthreads; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < g_common->nthreads; i++)
        check_slots(i, to - 1);
}

/* Memory of its own, as proc(5) has it: without what it shares. */
static size_t resident_bytes(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    unsigned long resident = 0, shared = 0;
    if (length <= 0 || sscanf(text, "%*u %lu %lu", &resident, &shared) != 2)
        _exit(STATUS_NOT_AS_MEANT);
    return (resident - shared) * PAGE;
}

/* Frees all. What has been lost on the way, by whichever thread, stays. */
static void end_all(int step)
{
    for (int slot = 0; slot < NSLOTS; slot++) {
        struct block *block = &g_blocks[slot];
        if (block->origin == ORIGIN_HEAP)
            free((void *)block->addr);
        else if (block->origin == ORIGIN_MAPPING)
            munmap((void *)block->addr, block->size);
    }
    for (size_t size = PAGE; size <= 8 * PAGE; size += PAGE)
        free(malloc(size));
    malloc_trim(0);
    size_t resident = resident_bytes();
    if (g_common->retained != 0 && resident > g_common->retained)
        fault_say(&(struct fault){.kind = FAULT_RETAINED,
                                  .step = step,
                                  .slot = g_common->steps[step].slot,
                                  .expected = g_common->retained,
                                  .found = resident});
}

/* ld.so only warns of a library that is not there, and then nothing would be tested. */
static void check_preload(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool in_region = (uintptr_t)page < (uintptr_t)0x500000000000;
    munmap(page, PAGE);
    if (in_region == g_common->plain)
        _exit(STATUS_NOT_AS_MEANT);
}

void crew_run(void)
{
    check_preload();
    int to;
    for (int from = 0; from < g_common->nsteps; from = to) {
        to = from + 1;
        while (to < g_common->nsteps && g_common->steps[to].round == g_common->steps[from].round)
            to++;
        run_round(from, to);
    }
    if (g_common->nsteps != 0)
        end_all(g_common->nsteps - 1);
    _exit(0);
}
