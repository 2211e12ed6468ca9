/*
 * fork while other threads allocate, grow and free at full speed: the child checks and frees all
 * that it has inherited, of every thread, and goes on; so does a child of the child.
 */
#include <pthread.h>

#include "heap.h"

#define THREADS 4
#define CHILDREN 12

static char *kept[COUNT(heap_sizes)];
static volatile bool stop;

/* A block that a thread owns when the fork comes; NULL while it is being changed. */
static struct {
    char *p;
    size_t nbytes, seed;
} owned[THREADS];

static void *busy(void *self)
{
    size_t me = (size_t)self;
    for (size_t turn = me; !stop; turn++) {
        size_t nbytes = heap_sizes[turn % (COUNT(heap_sizes) - 5)];
        char *p = filled_block(nbytes, turn);
        owned[me].nbytes = nbytes;
        owned[me].seed = turn;
        __atomic_store_n(&owned[me].p, p, __ATOMIC_SEQ_CST);
        char *q = calloc(nbytes + 1, 1);
        expect(is_zero(q, nbytes + 1));
        expect((q = realloc(q, nbytes + 20 * PAGE)) != NULL && is_zero(q, nbytes + 1));
        free(q);
        __atomic_store_n(&owned[me].p, NULL, __ATOMIC_SEQ_CST);
        check_and_free(p, nbytes, turn);
    }
    return NULL;
}

static void cycle(void)
{
    for (size_t i = 0; heap_sizes[i] <= MB; i++)
        check_and_free(filled_block(heap_sizes[i], i), heap_sizes[i], i);
}

static void child(void *again)
{
    cycle();
    for (size_t i = 0; i < COUNT(kept); i++) {
        char *p = kept[i];
        expect(is_filled(p, heap_sizes[i], i));
        if (again != NULL && i % 2)
            expect((p = realloc(p, heap_sizes[i] + PAGE)) != NULL);
        if (again != NULL)
            free(p);
    }
    for (size_t i = 0; i < THREADS && again != NULL; i++)
        if (owned[i].p != NULL)
            check_and_free(owned[i].p, owned[i].nbytes, owned[i].seed);
    if (again == NULL)
        expect(child_does(child, &again));
    cycle();
}

int main(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < COUNT(kept); i++)
        kept[i] = filled_block(heap_sizes[i], i);
    for (size_t i = 0; i < THREADS; i++)
        expect(pthread_create(&threads[i], NULL, busy, (void *)i) == 0);
    for (size_t i = 0; i < CHILDREN; i++)
        expect(child_does(child, i % 10 == 0 ? NULL : kept));
    stop = true;
    for (size_t i = 0; i < THREADS; i++)
        expect(pthread_join(threads[i], NULL) == 0);
    for (size_t i = 0; i < COUNT(kept); i++)
        check_and_free(kept[i], heap_sizes[i], i);
    puts("contents ok");
}
