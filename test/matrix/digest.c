/*
 * Maps, allocates and forks in threads, and prints a digest of what it held. Plain C: it is also built
 * static, for 32 bits, and under sanitizers.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3
#define SLOTS 24
#define ROUNDS 400

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static uint32_t sum_of(const unsigned char *p, size_t nbytes, uint32_t sum)
{
    for (size_t i = 0; i < nbytes; i += 61)
        sum = sum * 31 + p[i];
    return sum;
}

static void *work(void *seed)
{
    uint32_t state = (uint32_t)(uintptr_t)seed;
    uint32_t sum = 0;
    unsigned char *slots[SLOTS] = {0};
    size_t sizes[SLOTS];
    for (int round = 0; round < ROUNDS; round++) {
        unsigned slot = next(&state) % SLOTS;
        int maps = slot % 2 == 0;
        if (slots[slot] != NULL) {
            sum = sum_of(slots[slot], sizes[slot], sum);
            if (maps)
                munmap(slots[slot], sizes[slot]);
            else
                free(slots[slot]);
        }
        sizes[slot] = next(&state) % 300000 + 1;
        slots[slot] = maps ? mmap(NULL, sizes[slot], PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                           : calloc(1, sizes[slot]);
        if (slots[slot] == NULL || slots[slot] == MAP_FAILED)
            abort();
        if (sum_of(slots[slot], sizes[slot], 0) != 0)
            abort();
        /* A malloc that is preloaded may have no reallocarray: then another's must find its realloc. */
        if (!maps && slot % 3 == 1)
            slots[slot] = reallocarray(slots[slot], 2, sizes[slot]);
        if (slots[slot] == NULL)
            abort();
        memset(slots[slot], round, sizes[slot] / (1 + slot % 3));
    }
    return (void *)(uintptr_t)sum;
}

int main(void)
{
    pthread_t threads[THREADS];
    uint32_t sum = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum = sum * 31 + (uint32_t)(uintptr_t)result;
    }
    pid_t child = fork();
    if (child == 0)
        _exit((int)((uintptr_t)work((void *)9) % 100));
    int status = -1;
    waitpid(child, &status, 0);
    printf("%u %d\n", sum, status);
    return 3;
}
