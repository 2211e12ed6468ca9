/* Blocks that one thread allocates and another grows, checks and frees, while both go on. */
#include <pthread.h>
#include <semaphore.h>

#include "heap.h"

#define TURNS 3000

static struct {
    char *p;
    size_t nbytes;
} ring[16];
static sem_t full[2], empty[2];

static size_t size_of_turn(size_t turn)
{
    return heap_sizes[turn % (COUNT(heap_sizes) - 3)] + 1;
}

/* Each of two pairs has half of the ring. */
static void *give(void *pair)
{
    size_t half = (size_t)pair * 8;
    for (size_t turn = 0; turn < TURNS; turn++) {
        size_t nbytes = size_of_turn(turn);
        char *p = filled_block(nbytes, turn);
        expect(sem_wait(&empty[(size_t)pair]) == 0);
        ring[half + turn % 8].p = p;
        ring[half + turn % 8].nbytes = nbytes;
        expect(sem_post(&full[(size_t)pair]) == 0);
    }
    return NULL;
}

static void *take(void *pair)
{
    size_t half = (size_t)pair * 8;
    for (size_t turn = 0; turn < TURNS; turn++) {
        expect(sem_wait(&full[(size_t)pair]) == 0);
        char *p = ring[half + turn % 8].p;
        size_t nbytes = ring[half + turn % 8].nbytes;
        expect(sem_post(&empty[(size_t)pair]) == 0);
        expect(nbytes == size_of_turn(turn) && is_filled(p, nbytes, turn));
        if (turn % 3 == 0) {
            expect((p = realloc(p, nbytes + 3 * PAGE)) != NULL);
            expect(nbytes > PAGE || is_filled(p, nbytes, turn));
        }
        free(opaque(p));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 2; i++)
        expect(sem_init(&full[i], 0, 0) == 0 && sem_init(&empty[i], 0, 8) == 0);
    for (size_t i = 0; i < 4; i++)
        expect(pthread_create(&threads[i], NULL, i % 2 ? take : give, (void *)(i / 2)) == 0);
    for (size_t i = 0; i < 4; i++)
        expect(pthread_join(threads[i], NULL) == 0);
    printf("resident: %s\n", status_kb("VmRSS:") < 300 * 1024 ? "bounded" : "too much");
    puts("contents ok");
}
