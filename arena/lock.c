#include "lock.h"

#include "os.h"

#define SPINS 200
#define SLEEP_MS 10
#define SLEEPS 100

static long process; /* 0: nobody has said */

void lock_set_process(void)
{
    __atomic_store_n(&process, os_process_id(), __ATOMIC_RELAXED);
}

bool lock_acquire_slowly(struct lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        if (!lock_held(lock) && lock_try(lock))
            return true;
        __builtin_ia32_pause();
    }
    if (__atomic_load_n(&lock->lost, __ATOMIC_RELAXED) && lock_held(lock))
        return false;
    /* From here on it is taken as contended: whoever releases it wakes the next. */
    for (int i = 0; i < SLEEPS; i++) {
        if (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) == 0)
            return true;
        os_wait(&lock->state, 2, SLEEP_MS);
        long mine = __atomic_load_n(&process, __ATOMIC_RELAXED);
        if (mine != 0 && os_process_id() != mine)
            break;
    }
    __atomic_store_n(&lock->lost, 1, __ATOMIC_RELAXED);
    return false;
}

void lock_wake(struct lock *lock)
{
    os_wake(&lock->state);
}
