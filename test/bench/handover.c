/*
 * One thread allocates, another frees: a batch of blocks is made while the batch before it is
 * dropped. The two meet after each batch, so that no more than two batches are ever alive, however the
 * threads are scheduled.
 *
 * usage: handover mid|large     mid: batches of 128 blocks of 8-52 KB; large: 16 of 64 KB-2 MB
 * An operation is one block: allocated and touched in the one, verified and freed in the other.
 */
#include "bench.h"
#include <pthread.h>

#define MAX_BATCH ((size_t)128)

static struct block batches[2][MAX_BATCH];
static size_t batch_size, nbatches;
static pthread_barrier_t met;

static void *consume(void *unused)
{
    (void)unused;
    for (size_t batch = 0; batch < nbatches; batch++) {
        pthread_barrier_wait(&met);
        for (size_t i = 0; i < batch_size; i++)
            block_drop(batches[batch % 2][i]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int mid = argc > 1 && !strcmp(argv[1], "mid");
    int large = argc > 1 && !strcmp(argv[1], "large");
    if (mid == large) {
        fprintf(stderr, "usage: handover mid|large\n");
        return 64;
    }
    struct range range = mid ? mid_range : large_range;
    batch_size = mid ? MAX_BATCH : 16;
    nbatches = mid ? 600 : 120;

    pthread_t consumer;
    uint64_t seed = 1;
    double start = now();
    pthread_barrier_init(&met, NULL, 2);
    if (pthread_create(&consumer, NULL, consume, NULL))
        abort();
    for (size_t batch = 0; batch < nbatches; batch++) {
        for (size_t i = 0; i < batch_size; i++)
            batches[batch % 2][i] = block_new(random_size(&seed, range));
        pthread_barrier_wait(&met);
    }
    pthread_join(consumer, NULL);
    report((double)(nbatches * batch_size), now() - start);
    return 0;
}
