#include "background.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "decay.h"
#include "os.h"
#include "thread.h"

/* It wakes up so often at most, whatever DECAY_MS is, and so often at least: threads may be killed. */
#define SLEEP_LEAST_MS 100
#define SLEEP_MOST_MS 1000

/* It calls nothing that needs more, but libc takes the program's thread-local data from it, too. */
#define STACK_BYTES (256 * KIB)

static bool running;
static pthread_t thread;
static long process;
static int stopping;

static void *watch(void *unused)
{
    long pause_ms = (long)max_size(min_size(decay_interval_ms(), SLEEP_MOST_MS), SLEEP_LEAST_MS);
    (void)unused;
    pthread_setname_np(pthread_self(), "pagearena");
    while (thread_any_lives()) {
        os_wait(&stopping, 0, decay_is_due() ? 1 : pause_ms);
        if (__atomic_load_n(&stopping, __ATOMIC_RELAXED) != 0)
            break;
        decay_check(NULL);
    }
    return NULL;
}

/* Signals are the program's: none comes to the thread, which inherits what is blocked here. */
static bool make_thread(void)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    bool made = pthread_create(&thread, &attributes, watch, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return made;
}

void background_start(void)
{
    int kept = errno;
    PageArena *arena = background_is_wanted() ? thread_enter() : NULL;
    if (arena != NULL) {
        thread_leave(arena);
        process = os_process_id();
        __atomic_store_n(&stopping, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&running, make_thread(), __ATOMIC_RELEASE);
    }
    errno = kept;
}

void background_stop(void)
{
    /* The child of a plain clone(2) has what tells of it, but not the thread. */
    if (!__atomic_exchange_n(&running, false, __ATOMIC_ACQUIRE) || process != os_process_id())
        return;
    __atomic_store_n(&stopping, 1, __ATOMIC_RELAXED);
    os_wake(&stopping);
    pthread_join(thread, NULL);
}

void background_forget(void)
{
    __atomic_store_n(&running, false, __ATOMIC_RELAXED);
}
