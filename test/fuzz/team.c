#include "team.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "act.h"
#include "slots.h"

static enum side side;
static pthread_barrier_t barrier;
static struct {
    int from;
    int to;
} work;
static uint64_t clock_now;

static uint64_t stamp(void)
{
    return __atomic_add_fetch(&clock_now, 1, __ATOMIC_SEQ_CST);
}

static uint8_t own_slot(uint8_t slot, int thread)
{
    int round = work.from / g_shared->check_every;
    int mine = (thread + round) % THREADS_MOST;
    return (uint8_t)(slot % NSLOTS / THREADS_MOST * THREADS_MOST + mine);
}

static bool is_empty(const struct slot *slot)
{
    return slot->npages == 0 || slot->overlaid;
}

/* Gives the end of a slot back, or all of it. */
static void adapt_unmap(struct op *op, const struct slot *slot)
{
    op->kind = OP_UNMAP;
    op->skew = op->trim = 0;
    op->off = op->off < 0 || op->off >= (int)slot->npages ? 0 : op->off;
    op->n = (int)slot->npages - op->off;
}

static void adapt_map(struct op *op)
{
    op->file = FILE_NONE;
    op->flags = (op->flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE)) | MAP_ANONYMOUS;
    op->other = HINT_NONE;
}

static void adapt_remap(struct op *op, const struct slot *slot)
{
    op->off = 0;
    op->n = (int)slot->npages;
    op->flags = 0;
    op->trim = op->skew = 0;
    op->into = op->slot;
    op->other_n = op->other_n % 128;
}

/* Makes an operation one on what the thread has. False: there is nothing to do. */
static bool adapt(struct op *op)
{
    op->slot = own_slot(op->slot, op->thread % THREADS_MOST);
    const struct slot *slot = &g_slots[op->slot];
    if (op->kind == OP_MAP && is_empty(slot)) {
        adapt_map(op);
        return true;
    }
    if (is_empty(slot))
        return false;
    switch (op->kind) {
    case OP_MAP:
        op->off = 0;
        adapt_unmap(op, slot);
        return true;
    case OP_UNMAP:
        adapt_unmap(op, slot);
        return true;
    case OP_REMAP:
        adapt_remap(op, slot);
        return true;
    case OP_MAP_OVER:
        op->file = FILE_NONE;
        op->flags |= MAP_ANONYMOUS;
        break;
    case OP_PROTECT:
    case OP_ADVISE:
    case OP_LOCK:
    case OP_UNLOCK:
    case OP_SYNC:
    case OP_CORE:
    case OP_BIND:
    case OP_NAME:
    case OP_WRITE:
    case OP_READ:
        break;
    default:
        return false;
    }
    long size = (long)slot->npages;
    op->off = op->off < 0 || op->off >= size ? 0 : op->off;
    op->n = op->n < 1 || op->n > size - op->off ? (int)(size - op->off) : op->n;
    op->skew = 0;
    return true;
}

/* A slot is what is mapped, neither more nor less. */
static void settle(const struct op *op, const struct outcome *outcome)
{
    struct slot *slot = &g_slots[op->slot];
    if (outcome->value == -1)
        return;
    if (op->kind == OP_UNMAP)
        slot->npages = (size_t)op->off;
    else if (op->kind == OP_REMAP)
        slot->npages = (size_t)op->other_n;
    slot->overlaid = false;
}

static bool gives_back(const struct op *op)
{
    return op->kind == OP_UNMAP || (op->kind == OP_REMAP && op->other_n <= op->n);
}

/* What the shimmed process does. */
static void do_one(int i)
{
    struct op op = g_shared->ops[i];
    struct outcome outcome = {.value = -2};
    if (adapt(&op)) {
        uint64_t begin = stamp();
        act(&op, &outcome);
        outcome.order = gives_back(&op) ? begin : stamp();
        settle(&op, &outcome);
    } else {
        outcome.order = stamp();
    }
    g_shared->trace[i] = outcome;
}

static void *member(void *number)
{
    int me = (int)(intptr_t)number;
    for (size_t nbytes = PAGE; nbytes < 1 << 22; nbytes *= 2)
        munmap(mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
               nbytes);
    pthread_barrier_wait(&barrier);
    for (;;) {
        pthread_barrier_wait(&barrier);
        for (int i = work.from; i < work.to; i++)
            if (g_shared->ops[i].thread % THREADS_MOST == me)
                do_one(i);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

void team_start(enum side mine)
{
    pthread_t thread;
    side = mine;
    for (int i = 0; i < NSLOTS; i++)
        g_slots[i].npages = 0;
    if (side == SIDE_PLAIN)
        return;
    pthread_barrier_init(&barrier, NULL, THREADS_MOST + 1);
    for (int i = 0; i < THREADS_MOST; i++)
        if (pthread_create(&thread, NULL, member, (void *)(intptr_t)i) != 0)
            abort();
    pthread_barrier_wait(&barrier);
}

static int by_order(const void *a, const void *b)
{
    uint64_t left = g_shared->trace[*(const int *)a].order;
    uint64_t right = g_shared->trace[*(const int *)b].order;
    return left < right ? -1 : left > right;
}

void team_run(int from, int to,
              void (*compare)(int op, const struct outcome *shim, const struct outcome *kernel))
{
    static int order[OPS_MOST];
    work.from = from;
    work.to = to;
    if (side == SIDE_SHIM) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        return;
    }
    for (int i = from; i < to; i++)
        order[i - from] = i;
    qsort(order, (size_t)(to - from), sizeof *order, by_order);
    for (int i = 0; i < to - from; i++) {
        struct op op = g_shared->ops[order[i]];
        struct outcome outcome = g_shared->trace[order[i]];
        g_shared->at = order[i];
        if (adapt(&op)) {
            act(&op, &outcome);
            compare(order[i], &g_shared->trace[order[i]], &outcome);
            settle(&op, &outcome);
        }
    }
}
