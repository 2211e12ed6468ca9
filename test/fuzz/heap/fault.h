/*
 * What the controller and the process under test share, and how the latter says what is wrong.
 */
#ifndef FAULT_H
#define FAULT_H

#include "step.h"

/* At one address in both, clear of whatever else is mapped. */
#define COMMON_ADDRESS ((uintptr_t)0x100000000000)

/* X(name, text) */
#define FAULTS(X)                                                                                  \
    X(NONE, "nothing wrong")                                                                       \
    X(CONTENT, "a live block's contents changed")                                                  \
    X(MOVED, "contents are not the same in the new place")                                         \
    X(ZERO, "new memory does not read as zero")                                                    \
    X(OVERLAP, "memory placed on live memory")                                                     \
    X(ALIGNMENT, "not aligned as asked for")                                                       \
    X(USABLE, "malloc_usable_size is wrong")                                                       \
    X(REFUSED, "refused, though it can be granted")                                                \
    X(GRANTED, "granted, though it must be refused")                                               \
    X(ERRNO, "errno is wrong")                                                                     \
    X(RETAINED, "more memory stays than may when all is freed")                                    \
    X(CRASH, "the process died")                                                                   \
    X(HANG, "no progress")

enum fault_kind {
#define ENUMERATE(name, text) FAULT_##name,
    FAULTS(ENUMERATE)
#undef ENUMERATE
};

/* How a process ends that has said a fault; and one that cannot be what it should be. */
enum { STATUS_FAULT = 3, STATUS_NOT_AS_MEANT = 4 };

struct fault {
    int kind;
    int step;
    int slot;
    bool in_child;
    int by; /* of OVERLAP: the slot of the other block; of CRASH: what wait(2) said */
    uintptr_t addr;
    size_t size;
    size_t offset;
    uint64_t expected;
    uint64_t found;
};

struct common {
    int said; /* the fault is there, or is being written */
    int nsteps;
    int nthreads;
    bool plain;
    size_t retained; /* the plan's */
    struct {
        int at; /* the step that is being done */
        int pad[15];
    } threads[THREADS_MOST];
    struct fault fault;
    struct step steps[STEPS_MOST];
};

#define g_common ((struct common *)COMMON_ADDRESS)

/* The process's end. fault: all but in_child; only the first that is said counts. */
void fault_say(const struct fault *fault) __attribute__((noreturn));

/* This process is a forked child. */
void fault_in_child(void);

#endif
