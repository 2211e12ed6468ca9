/* Threads that map, check, fill and unmap at full speed until told to stop. */
#ifndef BUSY_THREADS_H
#define BUSY_THREADS_H

#include <pthread.h>

#include "prog.h"

#define BUSY_THREADS 4

static pthread_t busy_threads[BUSY_THREADS];
static volatile bool busy_threads_stop;

static inline void busy_cycle(size_t turn, size_t seed)
{
    static const size_t npages[] = {1, 16, 1, 3, 32, 1, 17, 2, 40};
    size_t nbytes = npages[turn % COUNT(npages)] * PAGE;
    char *p = map(nbytes);
    expect(is_zero(p, nbytes));
    fill(p, nbytes, seed);
    expect(is_filled(p, nbytes, seed));
    unmap(p, nbytes);
}

static inline void *busy_thread(void *seed)
{
    for (size_t turn = 0; !busy_threads_stop; turn++)
        busy_cycle(turn, (size_t)seed);
    return NULL;
}

static inline void start_busy_threads(void)
{
    for (size_t i = 0; i < BUSY_THREADS; i++)
        expect(pthread_create(&busy_threads[i], NULL, busy_thread, (void *)(i * 50)) == 0);
}

static inline void stop_busy_threads(void)
{
    busy_threads_stop = true;
    for (size_t i = 0; i < BUSY_THREADS; i++)
        expect(pthread_join(busy_threads[i], NULL) == 0);
}

#endif
