/*
 * Destructors of a thread's keys and of its C++ objects free, allocate and resize blocks, several
 * rounds of them, also in threads that never used the heap before, and are cancelled, or exit.
 */
#include <pthread.h>

#include "heap.h"

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

#define NBYTES (SERVED_FROM + 3 * PAGE)

static pthread_key_t keys[3];
static size_t nruns;

/* Who serves a thread that has given its arena back is left open. */
static char *any_block(size_t nbytes, size_t seed)
{
    char *p = opaque(malloc(nbytes));
    expect(p != NULL);
    fill(p, nbytes, seed);
    return p;
}

static void cycle(void)
{
    for (size_t i = 0; i + 4 < COUNT(heap_sizes); i += 2)
        check_and_free(any_block(heap_sizes[i], i), heap_sizes[i], i);
}

static void on_exit_of_thread(void *p)
{
    size_t run = __atomic_add_fetch(&nruns, 1, __ATOMIC_RELAXED);
    is_leaving = true;
    cycle();
    expect(is_filled(p, NBYTES, 3));
    expect((p = realloc(p, 2 * NBYTES)) != NULL && is_filled(p, NBYTES, 3));
    free(p);
    cycle();
    for (size_t i = 0; i < COUNT(keys) && run % 2 == 0; i++)
        if (pthread_getspecific(keys[i]) == NULL) {
            expect(pthread_setspecific(keys[i], any_block(NBYTES, 3)) == 0);
            break;
        }
}

static void *run(void *way)
{
    if ((size_t)way % 2)
        cycle();
    __cxa_thread_atexit_impl(on_exit_of_thread, filled_block(NBYTES, 3), &__dso_handle);
    for (size_t i = 0; i < COUNT(keys); i++)
        expect(pthread_setspecific(keys[i], filled_block(NBYTES, 3)) == 0);
    if ((size_t)way % 4 == 1)
        pthread_exit(NULL);
    while ((size_t)way % 4 == 2)
        pause();
    return NULL;
}

int main(void)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        expect(pthread_key_create(&keys[i], on_exit_of_thread) == 0);
    for (size_t i = 0; i < 12; i++) {
        pthread_t threads[3];
        for (size_t t = 0; t < COUNT(threads); t++)
            expect(pthread_create(&threads[t], NULL, run, (void *)i) == 0);
        for (size_t t = 0; t < COUNT(threads); t++) {
            if (i % 4 == 2)
                expect(pthread_cancel(threads[t]) == 0);
            expect(pthread_join(threads[t], NULL) == 0);
        }
    }
    expect(nruns >= 12 * 3 * 4);
    puts("contents ok");
}
