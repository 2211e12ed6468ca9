/*
 * Threads that map, unmap, allocate, free, hand over, fork, exec, end and are interrupted by signals, for so
 * many seconds, and compare what they find in memory with what they have written. Ends with one line of figures;
 * fails if a content was wrong, a call failed that may not, or resident memory has grown.
 *
 * usage: mixed SECONDS [SEED]
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define THREADS 4
#define SLOTS 40
#define OPS_OF_A_THREAD 20000
#define LARGEST ((size_t)1 << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Memory that was written with `mark`, at the start of every page and at its end. */
struct block {
    char *start;
    size_t nbytes;
    bool mapped;
    uint64_t mark;
};

static struct block *handed_over[64];
static uint64_t nops, nforks, nsignals;
static bool ending;
static uint64_t seed = 1;
static char own_path[4096];

#define EXPECT(x) ((x) ? (void)0 : wrong(__LINE__, #x))

static void wrong(int line, const char *what)
{
    dprintf(2, "mixed.c:%d: wrong: %s (errno %d, seed %lu)\n", line, what, errno, seed);
    abort();
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d >> 20;
}

static void put(const struct block *block, size_t at)
{
    memcpy(block->start + at, &block->mark, sizeof block->mark);
}

static void check_at(const struct block *block, size_t at)
{
    EXPECT(memcmp(block->start + at, &block->mark, sizeof block->mark) == 0);
}

static void each_sample(const struct block *block, void (*act)(const struct block *, size_t))
{
    for (size_t at = 0; at + 2 * sizeof block->mark <= block->nbytes; at += PAGE)
        act(block, at);
    act(block, block->nbytes - sizeof block->mark);
}

static void check_zero(const char *start, size_t nbytes)
{
    for (size_t at = 0; at + 8 < nbytes; at += 488)
        EXPECT(start[at] == 0);
}

static struct block make(uint64_t *state)
{
    struct block block = {.mapped = next(state) % 2, .mark = next(state)};
    size_t most = next(state) % 16 == 0 ? LARGEST : 100000;
    block.nbytes = next(state) % most + 16;
    bool zero = block.mapped || next(state) % 4 == 0;
    if (block.mapped)
        block.start = mmap(NULL, block.nbytes, RW, ANON, -1, 0);
    else
        block.start = zero ? calloc(1, block.nbytes) : malloc(block.nbytes);
    EXPECT(block.start != NULL && block.start != MAP_FAILED);
    if (zero)
        check_zero(block.start, block.nbytes);
    each_sample(&block, put);
    return block;
}

static void drop(struct block *block)
{
    if (block->start == NULL)
        return;
    each_sample(block, check_at);
    if (block->mapped)
        EXPECT(munmap(block->start, block->nbytes) == 0);
    else
        free(block->start);
    block->start = NULL;
}

/* Another size, some other protection in between, or a part that is given back. */
static void change(struct block *block, uint64_t *state)
{
    size_t kept = block->nbytes;
    if (block->start == NULL)
        return;
    each_sample(block, check_at);
    if (!block->mapped) {
        block->nbytes = next(state) % 200000 + 16;
        block->start = realloc(block->start, block->nbytes);
        EXPECT(block->start != NULL);
    } else if (next(state) % 3 == 0) {
        EXPECT(mprotect(block->start, PAGE, PROT_READ) == 0);
        check_at(block, 0);
        EXPECT(mprotect(block->start, PAGE, RW) == 0);
    } else if (next(state) % 2 == 0) {
        EXPECT(madvise(block->start, block->nbytes, MADV_DONTNEED) == 0);
        check_zero(block->start, block->nbytes);
    } else {
        block->nbytes = next(state) % 300000 + 16;
        block->start = mremap(block->start, kept, block->nbytes, MREMAP_MAYMOVE);
        EXPECT(block->start != MAP_FAILED);
        /* The last page may hold what a larger size has left there. */
        size_t fresh = (kept + PAGE - 1) / PAGE * PAGE;
        if (block->nbytes > fresh)
            check_zero(block->start + fresh, block->nbytes - fresh);
    }
    if (!(block->mapped && kept == block->nbytes) && kept >= 2 * sizeof block->mark)
        EXPECT(memcmp(block->start, &block->mark, sizeof block->mark) == 0);
    each_sample(block, put);
}

/* To whichever thread comes by next; what was there goes to us. */
static void hand_over(struct block *block, uint64_t *state)
{
    struct block *mine = NULL;
    if (block->start != NULL) {
        mine = malloc(sizeof *mine);
        EXPECT(mine != NULL);
        *mine = *block;
    }
    struct block *theirs =
        __atomic_exchange_n(&handed_over[next(state) % 64], mine, __ATOMIC_ACQ_REL);
    *block = theirs != NULL ? *theirs : (struct block){0};
    free(theirs);
}

/* The child compares what it has inherited, and uses memory of its own; or becomes another program. */
static void have_child(struct block *blocks, uint64_t *state)
{
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        if (next(state) % 4 == 0) {
            execl(own_path, "mixed", "exec", (char *)NULL);
            _exit(1);
        }
        for (int i = 0; i < SLOTS; i++)
            drop(&blocks[i]);
        for (int i = 0; i < 20; i++)
            blocks[i] = make(state);
        for (int i = 0; i < 20; i++)
            drop(&blocks[i]);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) != child)
        EXPECT(errno == EINTR);
    EXPECT(status == 0);
    __atomic_add_fetch(&nforks, 1, __ATOMIC_RELAXED);
}

static void *work(void *argument)
{
    uint64_t state = (seed + (uintptr_t)argument) * 0x9e3779b97f4a7c15 + 1;
    struct block blocks[SLOTS] = {0};
    for (int i = 0; i < OPS_OF_A_THREAD && !__atomic_load_n(&ending, __ATOMIC_RELAXED); i++) {
        struct block *block = &blocks[next(&state) % SLOTS];
        unsigned what = next(&state) % 1000;
        if (what < 2) {
            have_child(blocks, &state);
        } else if (what < 100) {
            hand_over(block, &state);
        } else if (what < 350) {
            change(block, &state);
        } else {
            drop(block);
            if (what < 850)
                *block = make(&state);
        }
        __atomic_add_fetch(&nops, 1, __ATOMIC_RELAXED);
    }
    for (int i = 0; i < SLOTS; i++)
        drop(&blocks[i]);
    return NULL;
}

/* Only what POSIX lets a handler call, and mmap(2). */
static void on_signal(int number)
{
    int before = errno;
    (void)number;
    char *p = mmap(NULL, 20 * PAGE, RW, ANON, -1, 0);
    EXPECT(p != MAP_FAILED && p[0] == 0 && p[20 * PAGE - 1] == 0);
    memset(p, 1, 20 * PAGE);
    EXPECT(munmap(p, 20 * PAGE) == 0);
    __atomic_add_fetch(&nsignals, 1, __ATOMIC_RELAXED);
    errno = before;
}

static size_t resident_kb(void)
{
    unsigned long total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return resident * 4;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void empty_handed_over(void)
{
    for (size_t i = 0; i < 64; i++)
        if (handed_over[i] != NULL) {
            drop(handed_over[i]);
            free(handed_over[i]);
        }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "exec") == 0) {
        uint64_t state = 77;
        struct block block = make(&state);
        drop(&block);
        return 0;
    }
    double length = argc > 1 ? atof(argv[1]) : 10;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    EXPECT(readlink("/proc/self/exe", own_path, sizeof own_path - 1) > 0);
    signal(SIGUSR1, on_signal);
    pthread_t threads[THREADS];
    uintptr_t nstarted = 0;
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, work, (void *)++nstarted) == 0);
    double start = seconds();
    size_t early = 0, late = 0, most = 0;
    for (double now = start; now < start + length; now = seconds()) {
        usleep(20000);
        for (int i = 0; i < THREADS; i++) {
            if (pthread_tryjoin_np(threads[i], NULL) != 0)
                pthread_kill(threads[i], SIGUSR1);
            else
                EXPECT(pthread_create(&threads[i], NULL, work, (void *)++nstarted) == 0);
        }
        size_t kb = resident_kb();
        most = kb > most ? kb : most;
        /* The highest of the second quarter, and of the last. */
        if (now > start + length / 4 && now < start + length / 2)
            early = kb > early ? kb : early;
        if (now > start + length * 3 / 4)
            late = kb > late ? kb : late;
    }
    __atomic_store_n(&ending, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    empty_handed_over();
    printf(
        "%lu operations, %lu threads, %lu forks, %lu signals in %.0f seconds; resident KB: %zu, at the end %zu, most %zu\n",
        nops, (unsigned long)nstarted, nforks, nsignals, seconds() - start, early, late, most);
    return late > early + early / 4 + 16384;
}
