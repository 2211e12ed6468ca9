/*
 * Blocks come and go at random: each thread fills its slots, then frees a random block and allocates
 * another in its place, again and again, and drops all of them at the end of a round.
 *
 * usage: churn_blocks mid|large [nblocks] [nthreads]
 *        mid: 8-52 KB, 256 blocks unless told otherwise; large: 64 KB-2 MB, 64 blocks
 * An operation is one block: allocated, touched in each page, verified, freed.
 */
#include "bench.h"
#include <pthread.h>

#define MAX_THREADS 64

struct job {
    struct range range;
    size_t nblocks, nrounds, nswaps;
    uint64_t seed;
};

static void *run(void *argument)
{
    struct job *job = argument;
    struct block *blocks = calloc(job->nblocks, sizeof *blocks);
    if (!blocks)
        broken("NULL");
    for (size_t round = 0; round < job->nrounds; round++) {
        for (size_t i = 0; i < job->nblocks; i++)
            blocks[i] = block_new(random_size(&job->seed, job->range));
        for (size_t i = 0; i < job->nswaps; i++) {
            struct block *block = &blocks[(next_random(&job->seed) >> 16) % job->nblocks];
            block_drop(*block);
            *block = block_new(random_size(&job->seed, job->range));
        }
        for (size_t i = 0; i < job->nblocks; i++)
            block_drop(blocks[i]);
    }
    free(blocks);
    return NULL;
}

int main(int argc, char **argv)
{
    int mid = argc > 1 && !strcmp(argv[1], "mid");
    int large = argc > 1 && !strcmp(argv[1], "large");
    int nblocks = argc > 2 ? atoi(argv[2]) : mid ? 256 : 64;
    int nthreads = argc > 3 ? atoi(argv[3]) : 1;
    if (mid == large || nblocks < 1 || nthreads < 1 || nthreads > MAX_THREADS) {
        fprintf(stderr, "usage: churn_blocks mid|large [nblocks] [nthreads, 1 to 64]\n");
        return 64;
    }
    struct job like = mid ? (struct job){mid_range, (size_t)nblocks, 10, 30000, 0}
                          : (struct job){large_range, (size_t)nblocks, 10, 250, 0};

    /* The main thread is one of them: with one thread, malloc sees a process without threads. */
    struct job jobs[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    double start = now();
    for (int i = nthreads - 1; i >= 0; i--) {
        jobs[i] = like;
        jobs[i].seed = 0x9E3779B97F4A7C15u * (uint64_t)(i + 1);
        if (i > 0 && pthread_create(&threads[i], NULL, run, &jobs[i]))
            abort();
    }
    run(&jobs[0]);
    for (int i = 1; i < nthreads; i++)
        pthread_join(threads[i], NULL);
    report((double)nthreads * (double)(like.nrounds * (like.nblocks + like.nswaps)), now() - start);
    return 0;
}
