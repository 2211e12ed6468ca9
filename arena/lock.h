/*
 * A lock that cannot hang.
 *
 * lock_acquire gives up after about a second and then says so; its caller degrades to the kernel.
 * That happens where the holder is gone for good: a thread that left a signal handler by longjmp, or
 * the child of a plain clone(2), which runs no fork handlers. The latter is known by its process
 * number, and gives up after some milliseconds. No holder makes a system call
 * or clears memory while it holds one, so that a healthy lock is free again within microseconds.
 *
 * A thread that runs a signal handler inside the library must not come here at all: thread.h's
 * thread_enter turns it away.
 */
#ifndef LOCK_H
#define LOCK_H

#include "defs.h"

struct lock {
    int state; /* 0: free, 1: held, 2: held and somebody sleeps */
    int lost;  /* somebody waited in vain: nobody waits again until it was free once */
};

/* Says which process this is: at start, and in the child of a fork(2) that runs handlers. */
void lock_set_process(void);

bool lock_acquire_slowly(struct lock *lock);
void lock_wake(struct lock *lock);

static inline bool lock_try(struct lock *lock)
{
    int unlocked = 0;
    return __atomic_compare_exchange_n(&lock->state, &unlocked, 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline bool lock_acquire(struct lock *lock)
{
    return likely(lock_try(lock)) || lock_acquire_slowly(lock);
}

static inline void lock_release(struct lock *lock)
{
    if (unlikely(__atomic_load_n(&lock->lost, __ATOMIC_RELAXED) != 0))
        __atomic_store_n(&lock->lost, 0, __ATOMIC_RELAXED);
    if (unlikely(__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2))
        lock_wake(lock);
}

static inline bool lock_held(const struct lock *lock)
{
    return __atomic_load_n(&lock->state, __ATOMIC_RELAXED) != 0;
}

#endif
