/*
 * Nanoseconds of one cycle of mmap, touch every page (or nothing), munmap, at several sizes, and of a
 * bare memset of as much resident memory. Run it off and on: the ratio is what the shim gains.
 *
 * usage: cycle [nthreads]   prints: size_kb untouched_ns touched_ns memset_ns
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE ((size_t)4096)
#define ROUNDS 7

static const size_t sizes_kb[] = {4, 16, 64, 128, 256, 1024, 2048};
#define NSIZES (sizeof sizes_kb / sizeof *sizes_kb)

enum what { UNTOUCHED, TOUCHED, MEMSET };

struct job {
    enum what what;
    size_t nbytes;
    size_t ncycles;
    double ns;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void cycle(size_t nbytes, int touch)
{
    char *memory = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    for (size_t at = 0; touch && at < nbytes; at += PAGE)
        memory[at] = 1;
    munmap(memory, nbytes);
}

static void *run(void *argument)
{
    struct job *job = argument;
    double best = 1e18;
    char *memory = malloc(job->nbytes);
    memset(memory, 1, job->nbytes);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (size_t i = 0; i < job->ncycles; i++) {
            if (job->what == MEMSET) {
                memset(memory, (int)i, job->nbytes);
                __asm__ volatile("" : : "r"(memory) : "memory");
            } else {
                cycle(job->nbytes, job->what == TOUCHED);
            }
        }
        double ns = (now() - start) / (double)job->ncycles;
        best = ns < best ? ns : best;
    }
    free(memory);
    job->ns = best;
    return NULL;
}

static double measure(enum what what, size_t nbytes, int nthreads)
{
    pthread_t threads[64];
    struct job jobs[64];
    double sum = 0;
    for (int i = 0; i < nthreads; i++) {
        jobs[i] = (struct job){what, nbytes, 1 + (1u << 25) / (nbytes + 50000), 0};
        pthread_create(&threads[i], NULL, run, &jobs[i]);
    }
    for (int i = 0; i < nthreads; i++) {
        pthread_join(threads[i], NULL);
        sum += jobs[i].ns;
    }
    return sum / nthreads;
}

int main(int argc, char **argv)
{
    int nthreads = argc > 1 ? atoi(argv[1]) : 1;
    if (nthreads < 1 || nthreads > 64) {
        fprintf(stderr, "usage: cycle [nthreads, 1 to 64]\n");
        return 64;
    }
    for (size_t i = 0; i < NSIZES; i++) {
        size_t nbytes = sizes_kb[i] * 1024;
        printf("%zu %.0f %.0f %.0f\n", sizes_kb[i], measure(UNTOUCHED, nbytes, nthreads),
               measure(TOUCHED, nbytes, nthreads), measure(MEMSET, nbytes, nthreads));
    }
    return 0;
}
