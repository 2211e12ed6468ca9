/*
 * atexit, destructor functions and threads that still run use the heap to the very end: of a
 * program and, preloaded, of a library, whose atexit functions run after its destructors.
 */
#include <pthread.h>

#include "heap.h"

#define NSIZES (COUNT(heap_sizes) - 2)

static char *early[NSIZES];

static void use(const char *when)
{
    for (size_t i = 0; i < NSIZES; i++) {
        expect(is_filled(early[i], heap_sizes[i], i));
        check_and_free(filled_block(heap_sizes[i], i), heap_sizes[i], i);
    }
    printf("%s: ok\n", when);
    fflush(stdout);
}

static void *busy(void *seed)
{
    for (size_t turn = (size_t)seed;; turn++) {
        size_t nbytes = heap_sizes[turn % (COUNT(heap_sizes) - 3)];
        check_and_free(filled_block(nbytes, turn), nbytes, turn);
    }
    return NULL;
}

static void at_exit(void)
{
    use("atexit");
}

/* As a preload it may run before ours: then nothing can be said about who serves. */
__attribute__((constructor)) static void at_start(void)
{
    for (size_t i = 0; i < NSIZES; i++) {
        expect((early[i] = opaque(malloc(heap_sizes[i]))) != NULL);
        fill(early[i], heap_sizes[i], i);
    }
    atexit(at_exit);
}

__attribute__((destructor)) static void at_end(void)
{
    use("destructor");
    for (size_t i = 0; i < NSIZES; i++) {
        free(early[i]);
        early[i] = filled_block(heap_sizes[i], i);
    }
}

__attribute__((destructor(101))) static void at_very_end(void)
{
    leave_dirt();
    puts("last destructor: ok");
}

int main(void)
{
    for (size_t i = 0; i < 3; i++) {
        pthread_t thread;
        expect(pthread_create(&thread, NULL, busy, (void *)(i * 5)) == 0);
    }
    use("main");
}
