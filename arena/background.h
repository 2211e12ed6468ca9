/*
 * A thread that looks at the clock for a program that makes no calls (BACKGROUND=1).
 *
 * It is made before the program starts: later the caller of mmap(2) may hold a lock of malloc's, which
 * libc needs to make a thread. The exit handler of the last thread that has used the library waits for
 * its end. So the program's last thread is the last one of the process as well: libc ends that, on that
 * thread and at once, as it does without us. The child of a fork has none.
 *
 * It takes no signals, opens nothing, and owns no arena. Where it cannot be made there is none.
 */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include "config.h"

/* Where nothing ever decays, or is retained, there is nothing to do for it. */
static inline bool background_is_wanted(void)
{
    return g_config.background != 0 && g_config.decay_ms != 0 && g_config.decay_ms != CONFIG_NEVER;
}

/* Makes the thread if one is wanted: once, while there is no other. errno is kept. */
void background_start(void);

/* Ends it, and waits until it is gone. */
void background_stop(void);

/* In the child of a fork: it is not there. */
void background_forget(void);

#endif
