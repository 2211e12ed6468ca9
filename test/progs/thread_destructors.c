/*
 * Destructors of a thread's keys and of its C++ objects map, check and unmap, several times over.
 */
#include <pthread.h>

#include "prog.h"

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

static pthread_key_t keys[3];
static size_t nruns;

static void cycle(void)
{
    for (size_t i = 0; i < 6; i++) {
        char *p = map(PAGE << i);
        expect(is_zero(p, PAGE << i));
        fill(p, PAGE << i, i);
        unmap(p, PAGE << i);
    }
}

static void on_exit_of_thread(void *value)
{
    __atomic_add_fetch(&nruns, 1, __ATOMIC_RELAXED);
    cycle();
    expect(is_filled(value, 16 * PAGE, 3));
    unmap(value, 16 * PAGE);
    cycle();
    for (size_t i = 0; i < COUNT(keys); i++)
        if (pthread_getspecific(keys[i]) == NULL && nruns % 2 == 0) {
            fill(value = map(16 * PAGE), 16 * PAGE, 3);
            expect(pthread_setspecific(keys[i], value) == 0);
            break;
        }
}

static void *run(void *maps)
{
    if (maps != NULL)
        cycle();
    char *p = map(16 * PAGE);
    fill(p, 16 * PAGE, 3);
    __cxa_thread_atexit_impl(on_exit_of_thread, p, &__dso_handle);
    for (size_t i = 0; i < COUNT(keys); i++) {
        fill(p = map(16 * PAGE), 16 * PAGE, 3);
        expect(pthread_setspecific(keys[i], p) == 0);
    }
    return NULL;
}

int main(void)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        expect(pthread_key_create(&keys[i], on_exit_of_thread) == 0);
    for (size_t i = 0; i < 40; i++) {
        pthread_t threads[3];
        for (size_t t = 0; t < COUNT(threads); t++)
            expect(pthread_create(&threads[t], NULL, run, (void *)(i % 2)) == 0);
        for (size_t t = 0; t < COUNT(threads); t++)
            expect(pthread_join(threads[t], NULL) == 0);
    }
    expect(nruns >= 40 * 3 * 4);
    unmap(map_served(16 * PAGE), 16 * PAGE);
    puts("contents ok");
}
