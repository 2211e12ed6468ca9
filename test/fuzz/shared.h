/*
 * What the three processes share: the controller, a process under the shim, and a plain one.
 *
 * One of them has the turn. The shimmed process goes first and writes down where its mappings came
 * to lie; the plain one puts its own at the same addresses. So both have the same layout, and what
 * the shim places on memory that is live is refused by the kernel.
 */
#ifndef SHARED_H
#define SHARED_H

#include "op.h"

enum side { SIDE_SHIM, SIDE_PLAIN };
enum turn { TURN_SHIM, TURN_PLAIN, TURN_CONTROLLER };

/* All of it at one address in every process, clear of whatever else is mapped. */
#define SHARED_ADDRESS ((uintptr_t)0x100000000000)

#define VIEW_MOST 16384
#define VIEW_PAGES_MOST (1 << 18)
#define THREADS_MOST 4

/* What a call gave. */
struct outcome {
    int64_t value;
    int32_t error;  /* 0: none; -1: none, but errno was changed */
    uint32_t extra; /* of a refused mremap: the kernel had it in parts */
    uint64_t order; /* with threads: a stamp */
};

/* A part of /proc/self/maps: uniform in protection, and where it was asked for, in advice. */
struct interval {
    uintptr_t start;
    uintptr_t end;
    uint32_t flags;
};

enum view_flag {
    VIEW_READ = 1,
    VIEW_WRITE = 2,
    VIEW_EXEC = 4,
    VIEW_SHARED = 8,
    VIEW_NO_FORK = 16,
    VIEW_NO_DUMP = 32,
    VIEW_WIPED = 64,
    VIEW_LOCKED = 128,
    VIEW_MERGEABLE = 256,
};

/* Content of a page. */
#define SUM_ABSENT ((uint64_t)0) /* never touched: zero */
#define SUM_FAULTS ((uint64_t)1)

/* X(name, text) */
#define DIFFERENCES(X)                                                                             \
    X(NONE, "no difference")                                                                       \
    X(RESULT, "result or errno")                                                                   \
    X(OVERLAP, "memory placed on live memory")                                                     \
    X(CONTENT, "content of a page")                                                                \
    X(PROTECTION, "protection or advice")                                                          \
    X(MISSING, "a live page is not mapped")                                                        \
    X(GUARD, "an unmapped page is accessible")                                                     \
    X(LOCKED, "VmLck")                                                                             \
    X(CRASH, "a process died")                                                                     \
    X(HANG, "no progress")                                                                         \
    X(DRIVER, "limits of the driver")

enum difference_kind {
#define ENUMERATE(name, text) DIFFERENCE_##name,
    DIFFERENCES(ENUMERATE)
#undef ENUMERATE
};

struct difference {
    int kind;
    int op; /* the operation after which it was seen */
    bool in_child;
    bool clash; /* the plain process had something of its own there: run again */
    uintptr_t addr;
    int slot; /* a slot that the address lies in; -1 */
    long page;
    int64_t kernel;
    int64_t shim;
    int64_t kernel_error;
    int64_t shim_error;
};

struct shared {
    int turn;
    int at; /* the operation that is being done, for crashes and hangs */
    int nops;
    int check_every;
    bool threads;
    bool guard;
    bool locks_used;
    bool unforked_used; /* MADV_DONTFORK was */
    struct difference difference;
    void (*on_difference)(void); /* in the shimmed process, where there is no controller */

    /* The plain process's view. */
    bool view_full;
    int nview;
    size_t locked_kb;
    struct interval view[VIEW_MOST];
    uint64_t sums[VIEW_PAGES_MOST];

    struct op ops[OPS_MOST];
    struct outcome trace[OPS_MOST];
};

/* At SHARED_ADDRESS. */
#define g_shared ((struct shared *)SHARED_ADDRESS)

#endif
