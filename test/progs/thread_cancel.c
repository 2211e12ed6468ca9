/*
 * Threads cancelled asynchronously in the middle of mmap and munmap: the others go on, and are
 * right.
 */
#include "busy_threads.h"

static size_t nturns;

static void *until_cancelled(void *seed)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (size_t turn = 0;; turn++) {
        size_t nbytes = PAGE << turn % 6;
        char *p = map(nbytes);
        fill(p, nbytes, (size_t)seed);
        unmap(p, nbytes);
        __atomic_add_fetch(&nturns, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

int main(void)
{
    for (size_t i = 0; i < 80; i++) {
        pthread_t thread;
        void *result;
        size_t before = __atomic_load_n(&nturns, __ATOMIC_RELAXED);
        expect(pthread_create(&thread, NULL, until_cancelled, (void *)i) == 0);
        while (__atomic_load_n(&nturns, __ATOMIC_RELAXED) < before + 20 + i)
            busy_cycle(i, i);
        expect(pthread_cancel(thread) == 0);
        expect(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    start_busy_threads();
    for (size_t turn = 0; turn < 500; turn++)
        busy_cycle(turn, 77);
    stop_busy_threads();
    puts("contents ok");
}
