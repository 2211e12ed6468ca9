/*
 * What the malloc benchmarks share: a repeatable random sequence, blocks that tell when somebody else
 * has written into them, and the one line that each program prints: `ops_per_second minor_faults peak_kb`.
 *
 * A broken malloc ends the program with a message and status 1, so that no figure of it counts.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PAGE ((size_t)4096)
#define KB ((size_t)1024)
#define MB (KB * KB)

struct range {
    size_t least, most;
};

static const struct range mid_range = {8 * KB, 52 * KB};
static const struct range large_range = {64 * KB, 2 * MB};

struct block {
    char *memory; /* NULL: no block */
    size_t nbytes;
};

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void broken(const char *what)
{
    fprintf(stderr, "broken malloc: %s\n", what);
    exit(1);
}

/* xorshift64*: the same sequence for the same seed, which must not be 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Du;
}

static inline size_t random_size(uint64_t *state, struct range range)
{
    return range.least + (next_random(state) >> 16) % (range.most - range.least + 1);
}

/* Other for each place and size. */
static inline uint64_t block_tag(struct block block)
{
    return ((uint64_t)(uintptr_t)block.memory ^ block.nbytes << 44) * 0x9E3779B97F4A7C15u;
}

/* One byte in each 4 KB from `from` on, and the tag at both ends. */
static inline void block_touch(struct block block, size_t from)
{
    uint64_t tag = block_tag(block);
    for (size_t at = from; at < block.nbytes; at += PAGE)
        block.memory[at] = (char)(tag >> 56 | 1);
    memcpy(block.memory, &tag, sizeof tag);
    memcpy(block.memory + block.nbytes - sizeof tag, &tag, sizeof tag);
}

/* The first `nbytes` at `memory` must be what block_touch left in a block with this tag. */
static inline void verify(const char *memory, size_t nbytes, uint64_t tag)
{
    if (memcmp(memory, &tag, sizeof tag) || memcmp(memory + nbytes - sizeof tag, &tag, sizeof tag))
        broken("a block has been written to by somebody else");
}

static inline struct block block_new(size_t nbytes)
{
    struct block block = {malloc(nbytes), nbytes};
    if (!block.memory || (uintptr_t)block.memory % 16)
        broken("NULL, or not aligned to 16");
    block_touch(block, 0);
    return block;
}

static inline void block_drop(struct block block)
{
    verify(block.memory, block.nbytes, block_tag(block));
    free(block.memory);
}

/*
 * The peak is the VmHWM of /proc/self/status, not ru_maxrss: that one starts at what the process that
 * called exec had resident (12 MB of Python), and so hides every smaller peak.
 */
static inline void report(double nops, double seconds)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long peak_kb = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &peak_kb) == 1)
            break;
    printf("%.0f %ld %ld\n", nops / seconds, usage.ru_minflt, peak_kb);
}

#endif
