#include "background.h"

#include <pthread.h>
#include <signal.h>

#include "config.h"
#include "decay.h"
#include "os.h"

/* How long it may sleep: a process whose other threads have all ended waits for it. */
#define SLEEP_MOST_MS 1000

/* It calls nothing that needs more. */
#define STACK_BYTES (64 * KIB)

static void *watch(void *unused)
{
    static int nobody_wakes;
    (void)unused;
    while (!os_is_last_thread()) {
        bool due = decay_is_due();
        os_wait(&nobody_wakes, 0, due ? 1 : (long)min_size(decay_interval_ms(), SLEEP_MOST_MS));
        decay_check(NULL);
    }
    return NULL;
}

void background_start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (g_config.background == 0 || g_config.decay_ms == CONFIG_NEVER ||
        pthread_attr_init(&attributes) != 0)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, watch, NULL) == 0)
        pthread_setname_np(thread, "pagearena");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}
