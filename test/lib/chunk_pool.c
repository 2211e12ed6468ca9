/*
 * What the library is for: an allocator that somebody builds on <page_arena.h> and nothing else.
 *
 * Blocks of 8 to 52 KB are cut out of chunks of 64 KB; runs of 64 KB to 2 MB are had one by one.
 * Every thread has a pool of its own, allocates, fills, checks and frees at random, and passes some
 * runs on to whoever comes next. `chunk_pool mmap` does the same on plain mmap(2) and munmap(2).
 *
 * usage: chunk_pool arena|mmap [threads]
 * Prints `ok` and `minor_faults <n>`; the statistics of the arena go to stderr.
 */
#include <page_arena.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define KB ((size_t)1024)
#define PAGE (4 * KB)
#define CHUNK (64 * KB)
#define BLOCK_MAX (52 * KB)
#define STEPS 6000
#define SLOTS 120
#define THREADS_MAX 16

static int on_arena;

static void fail(const char *what)
{
    printf("not ok: %s\n", what);
    exit(1);
}

static void *get_memory(size_t size, size_t alignment)
{
    char *memory = on_arena ? page_arena_alloc_aligned(NULL, size, alignment)
                            : mmap(NULL, size + alignment, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == NULL || memory == MAP_FAILED)
        fail("no memory");
    if (on_arena)
        return memory;
    char *aligned = (char *)(((size_t)memory + alignment - 1) & ~(alignment - 1));
    if (aligned != memory)
        munmap(memory, (size_t)(aligned - memory));
    munmap(aligned + size, (size_t)(memory + alignment - aligned));
    return aligned;
}

static void put_memory(void *memory, size_t size)
{
    if (on_arena)
        page_arena_free_aligned(NULL, memory, size);
    else
        munmap(memory, size);
}

/* At the start of each chunk. Blocks of a class are its multiples of `size` behind the head. */
struct chunk {
    struct chunk *next;
    struct chunk *previous;
    size_t size;
    unsigned free; /* one bit a block */
    unsigned all;
};
#define HEAD 64

/* By size in pages: chunks that have a free block. */
struct pool {
    struct chunk *usable[BLOCK_MAX / PAGE + 1];
};

static void link_chunk(struct chunk **list, struct chunk *chunk)
{
    chunk->previous = NULL;
    chunk->next = *list;
    if (*list != NULL)
        (*list)->previous = chunk;
    *list = chunk;
}

static void unlink_chunk(struct chunk **list, struct chunk *chunk)
{
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        *list = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
}

static struct chunk *make_chunk(size_t npages)
{
    struct chunk *chunk = get_memory(CHUNK, CHUNK);
    size_t nblocks = (CHUNK - HEAD) / (npages * PAGE);
    if (nblocks == 0 || (size_t)chunk % CHUNK != 0)
        fail("bad chunk");
    chunk->size = npages * PAGE;
    chunk->free = chunk->all = (1u << nblocks) - 1;
    return chunk;
}

static void *block_alloc(struct pool *pool, size_t size)
{
    size_t npages = (size + PAGE - 1) / PAGE;
    struct chunk **list = &pool->usable[npages];
    if (*list == NULL)
        link_chunk(list, make_chunk(npages));
    struct chunk *chunk = *list;
    unsigned block = (unsigned)__builtin_ctz(chunk->free);
    chunk->free &= chunk->free - 1;
    if (chunk->free == 0)
        unlink_chunk(list, chunk);
    return (char *)chunk + HEAD + block * chunk->size;
}

static void block_free(struct pool *pool, void *memory)
{
    struct chunk *chunk = (struct chunk *)((size_t)memory & ~(CHUNK - 1));
    struct chunk **list = &pool->usable[chunk->size / PAGE];
    if (chunk->free == 0)
        link_chunk(list, chunk);
    chunk->free |= 1u << ((size_t)((char *)memory - (char *)chunk) - HEAD) / chunk->size;
    if (chunk->free == chunk->all) {
        unlink_chunk(list, chunk);
        put_memory(chunk, CHUNK);
    }
}

struct slot {
    unsigned char *memory;
    size_t size;
    unsigned char tag;
};

static int is_block(size_t size)
{
    return size <= BLOCK_MAX;
}

static void slot_alloc(struct pool *pool, struct slot *slot, size_t size)
{
    slot->size = size;
    slot->memory = is_block(size) ? block_alloc(pool, size) : get_memory(size, PAGE);
    for (size_t i = 0; !is_block(size) && i < size; i += 512)
        if (slot->memory[i] != 0)
            fail("fresh memory does not read as zero");
    memset(slot->memory, slot->tag, size);
}

static void slot_check(const struct slot *slot)
{
    for (size_t i = 0; i < slot->size; i += 64)
        if (slot->memory[i] != slot->tag)
            fail("memory was overwritten");
}

static void slot_free(struct pool *pool, struct slot *slot)
{
    slot_check(slot);
    if (is_block(slot->size))
        block_free(pool, slot->memory);
    else
        put_memory(slot->memory, slot->size);
    slot->memory = NULL;
}

/* Runs belong to no pool: any thread may free them. */
static pthread_mutex_t exchange_lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot exchange;

static void slot_exchange(struct slot *slot)
{
    pthread_mutex_lock(&exchange_lock);
    struct slot other = exchange;
    exchange = *slot;
    *slot = other;
    pthread_mutex_unlock(&exchange_lock);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static size_t random_size(unsigned *seed)
{
    if (next_random(seed) % 4 != 0)
        return 8 * KB + next_random(seed) % (44 * KB + 1);
    size_t size = CHUNK << next_random(seed) % 6;
    size_t extra = size < 2048 * KB ? next_random(seed) % size : 0;
    return size + extra;
}

static void *work(void *argument)
{
    static __thread struct slot slots[SLOTS];
    struct pool pool = {{NULL}};
    unsigned seed = 1 + *(unsigned *)argument;
    for (int i = 0; i < STEPS; i++) {
        struct slot *slot = &slots[next_random(&seed) % SLOTS];
        slot->tag = slot->memory != NULL ? slot->tag : (unsigned char)(1 + i % 255);
        if (slot->memory == NULL)
            slot_alloc(&pool, slot, random_size(&seed));
        else if (!is_block(slot->size) && next_random(&seed) % 8 == 0)
            slot_exchange(slot);
        else
            slot_free(&pool, slot);
    }
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].memory != NULL)
            slot_free(&pool, &slots[i]);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    unsigned numbers[THREADS_MAX];
    unsigned nthreads = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    struct rusage usage;
    on_arena = argc > 1 && strcmp(argv[1], "arena") == 0;
    if (nthreads < 1 || nthreads > THREADS_MAX ||
        (!on_arena && argc > 1 && strcmp(argv[1], "mmap")))
        fail("usage: chunk_pool arena|mmap [threads]");
    for (unsigned i = 0; i < nthreads; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0)
            fail("no thread");
    }
    for (unsigned i = 0; i < nthreads; i++)
        pthread_join(threads[i], NULL);
    if (exchange.memory != NULL)
        slot_free(NULL, &exchange);
    getrusage(RUSAGE_SELF, &usage);
    printf("ok\nminor_faults %ld\n", usage.ru_minflt);
    if (on_arena)
        page_arena_print_stats(NULL);
    return 0;
}
