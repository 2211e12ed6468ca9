#include "worker.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act.h"
#include "live.h"
#include "slots.h"
#include "sys.h"
#include "team.h"
#include "turn.h"
#include "view.h"

/* Every so many views say what lasting advice lies on the pages, too: that costs more. */
#define FULL_VIEWS 16

static enum side side;
static int depth;
static int views;

/* Somebody has seen a difference: the controller takes over. */
static void __attribute__((noreturn)) report(int op)
{
    struct difference *difference = &g_shared->difference;
    difference->op = op;
    difference->in_child = depth != 0;
    difference->slot = -1;
    for (int i = 0; i < NSLOTS; i++) {
        uintptr_t offset = difference->addr - g_slots[i].base;
        if (difference->addr >= g_slots[i].base && offset / PAGE < g_slots[i].npages) {
            difference->slot = i;
            difference->page = (long)(offset / PAGE);
        }
    }
    if (side == SIDE_SHIM && g_shared->on_difference != NULL)
        g_shared->on_difference();
    turn_give(TURN_CONTROLLER);
    for (;;)
        pause();
}

static void compare(int op, const struct outcome *shim, const struct outcome *kernel)
{
    struct difference *difference = &g_shared->difference;
    if (difference->kind == DIFFERENCE_NONE && shim->value == kernel->value &&
        shim->error == kernel->error)
        return;
    if (difference->kind == DIFFERENCE_NONE)
        difference->kind = DIFFERENCE_RESULT;
    difference->kernel = kernel->value;
    difference->kernel_error = kernel->error;
    difference->shim = shim->value;
    difference->shim_error = shim->error;
    report(op);
}

static int guarded_slots(struct interval *slots)
{
    int count = 0;
    for (int i = 0; i < NSLOTS && g_shared->guard; i++)
        if (g_slots[i].base < (uintptr_t)0x4e0000000000)
            slots[count++] =
                (struct interval){g_slots[i].base, g_slots[i].base + g_slots[i].npages * PAGE, 0};
    return count;
}

/* The plain process has its turn up to here, then both views are compared. */
static void look(int op, bool full, bool last_of_child)
{
    if (side == SIDE_PLAIN) {
        view_publish(full || views++ % FULL_VIEWS == 0);
        live_set(g_shared->view, g_shared->nview);
        turn_give(TURN_SHIM);
        if (!last_of_child)
            turn_await(TURN_PLAIN);
        return;
    }
    struct interval slots[NSLOTS];
    turn_give(TURN_PLAIN);
    turn_await(TURN_SHIM);
    live_set(g_shared->view, g_shared->nview);
    if (!view_verify(slots, guarded_slots(slots)))
        report(op);
}

static pid_t fork_as(enum fork_style style)
{
    switch (style) {
    case FORK_BARE:
        return _Fork();
    case FORK_SYSTEM_CALL:
        return (pid_t)sys(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
    default:
        return fork();
    }
}

static void run(int from, int to);

/* The child does the operations [from, to), while its parent waits. */
static void run_in_child(int op, int from, int to)
{
    enum fork_style style = (enum fork_style)(g_shared->ops[op].flags % NFORKS);
    /* Without fork's handlers nobody tells the shim that such pages are gone. */
    if (g_shared->unforked_used && style != FORK_VFORK)
        style = FORK_LIBC;
    look(op, false, false);
    if (style == FORK_VFORK) {
        pid_t child = vfork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
    pid_t child = fork_as(style);
    if (child == 0) {
        sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
        depth++;
        look(op, false, false);
        run(from, to);
        look(to - 1, false, true);
        sys(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) == -1 && errno == EINTR)
        continue;
    if (status != 0) {
        if (g_shared->difference.kind == DIFFERENCE_NONE)
            g_shared->difference.kind = DIFFERENCE_CRASH;
        g_shared->difference.shim = status;
        report(g_shared->at);
    }
    if (side == SIDE_PLAIN)
        turn_await(TURN_PLAIN);
    look(op, false, false);
}

static void run_team(int nops)
{
    for (int i = 0; i < nops; i += g_shared->check_every) {
        int end = nops - i < g_shared->check_every ? nops : i + g_shared->check_every;
        team_run(i, end, compare);
        look(end - 1, false, false);
    }
}

static void run(int from, int to)
{
    for (int i = from; i < to; i++) {
        const struct op *op = &g_shared->ops[i];
        g_shared->at = i;
        if (op->kind == OP_FORK && depth < 2) {
            int end = op->n > 0 && op->n < to - i ? i + 1 + op->n : i + 1;
            run_in_child(i, i + 1, end);
            i = end - 1;
            continue;
        }
        struct outcome outcome = g_shared->trace[i];
        bool known = op->kind == OP_FORK || act(op, &outcome);
        if (side == SIDE_PLAIN)
            compare(i, &g_shared->trace[i], &outcome);
        else
            g_shared->trace[i] = outcome;
        if (!known || i % g_shared->check_every == g_shared->check_every - 1)
            look(i, false, false);
    }
}

void worker_start(enum side mine)
{
    side = mine;
    act_init(mine);
    /* So that what the shim sets up on first use is there. */
    for (size_t nbytes = PAGE; nbytes < 1 << 22; nbytes *= 2)
        munmap(mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
               nbytes);
    /* ld.so only warns of a library that is not there, and then all would be equal. */
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool in_region = (uintptr_t)page < (uintptr_t)0x500000000000;
    munmap(page, PAGE);
    if (in_region != (mine == SIDE_SHIM))
        _exit(4);
    if (g_shared->threads)
        team_start(mine);
    view_init();
}

void worker_run(void)
{
    turn_await(side == SIDE_SHIM ? TURN_SHIM : TURN_PLAIN);
    if (g_shared->threads)
        run_team(g_shared->nops);
    else
        run(0, g_shared->nops);
    look(g_shared->nops - 1, true, true);
    if (side == SIDE_SHIM)
        turn_give(TURN_CONTROLLER);
}

void worker_clear(void)
{
    for (int i = 0; i < NSLOTS; i++)
        munmap((void *)g_slots[i].base, g_slots[i].npages * PAGE);
    live_set(NULL, 0);
    act_reset();
}
