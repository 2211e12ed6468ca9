/*
 * pagearena-replay: does once more what a trace (arena/trace.h) says, through the library itself, with
 * the knobs of its own environment, and tells what that took. `pagearena advise` runs it.
 *
 * The library's own code decides, not a model of it: where pages come from, what is kept, what is given
 * back. One thread plays all, in the order of the trace, each with an arena of its own. Pages are
 * touched as soon as they are handed out, since the trace does not tell when.
 *
 * usage: pagearena-replay [--off | --fresh] TRACE
 *     --off    mmap(2), munmap(2) and the malloc of libc
 *     --fresh  nothing is recycled, as while the trace was written
 * Prints `key value` lines: faults (minor, of what is touched), touched (pages), calls (system calls),
 * cpu_us, peak_kb (resident, above that at the start), kept_kb (at the end), requests, bytes,
 * milliseconds, complete (0: the trace was cut short), hits, misses, evictions; and by size (4k is up
 * to 4 KB) requests, bytes, freed and lived_ms (the sum of those that were freed).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "block.h"
#include "lives.h"
#include "memory.h"
#include "router.h"
#include "sizes.h"
#include "space.h"
#include "thread.h"

/* A thread of the trace, its arena, and what it has said of its next map. */
struct actor {
    uint32_t thread;
    PageArena arena;
    size_t block_bytes; /* of malloc; 0: a mapping */
    bool zero;
    uint32_t moved; /* the block whose place it takes: its page, and one */
};
#define ACTORS_MOST 4096
static struct actor *actors[ACTORS_MOST];
static size_t nactors;

/* A page of the trace: where it is here; in a block, the block's first page, and one. */
struct place {
    char *addr;
    uint32_t block;
    uint32_t block_bytes; /* of the first page */
    bool reserved;        /* may not be touched as yet */
    uint32_t born;        /* of the first page of a request: milliseconds, and one */
    uint32_t asked;       /* and its bytes */
};
static struct place *places;
static struct trace_file file;

static struct actor *actor_of(uint32_t thread, bool library)
{
    for (size_t i = nactors; i-- != 0;)
        if (actors[i]->thread == thread)
            return actors[i];
    if (nactors == ACTORS_MOST)
        return actors[0];
    struct actor *actor = lives_table(1, sizeof *actor);
    actor->thread = thread;
    if (library && !page_arena_init(&actor->arena))
        exit(1);
    return actors[nactors++] = actor;
}

/* How many pages the block has that starts here. */
static uint32_t block_pages(uint32_t start)
{
    uint32_t page = start;
    while (page < file.npages && places[page].block == start + 1)
        page++;
    return page - start;
}

static void forget(uint32_t page, uint32_t npages)
{
    memset(places + page, 0, npages * sizeof *places);
}

static void set_places(uint32_t page, uint32_t npages, char *addr, size_t block_bytes)
{
    for (uint32_t i = 0; i < npages; i++)
        places[page + i] =
            (struct place){addr + i * PAGE_BYTES, block_bytes != 0 ? page + 1 : 0, 0, false, 0, 0};
    places[page].block_bytes = (uint32_t)block_bytes;
}

/* As mremap(2) does it, where that is how it is done. False: it is a map, a copy and a free. */
static bool move_mapping(uint32_t from, uint32_t page, uint32_t npages)
{
    uint32_t had = 1;
    while (had < npages && from + had < file.npages && places[from + had].block == 0 &&
           places[from + had].addr == places[from].addr + had * PAGE_BYTES)
        had++;
    char *addr = memory_move(places[from].addr, had * PAGE_BYTES, npages * PAGE_BYTES);
    if (addr == NULL)
        return false;
    forget(from, had);
    set_places(page, npages, addr, 0);
    return true;
}

/* A block takes npages from `page` on now, of which it has nbytes. */
static void resize_block(uint32_t start, uint32_t page, uint32_t npages, size_t nbytes)
{
    char *addr = memory_resize(places[start].addr, nbytes);
    forget(start, block_pages(start));
    set_places(page, npages, addr, nbytes);
}

static void note_request(const struct trace_event *event, size_t nbytes)
{
    sizes_note(nbytes);
    places[event->page].born = (event->when >> 8) + 1;
    places[event->page].asked = (uint32_t)nbytes;
}

static void note_free(const struct trace_event *event)
{
    const struct place *place = &places[event->page];
    if (place->born != 0)
        sizes_note_free(place->asked, (event->when >> 8) + 1 - place->born);
}

static void map(struct actor *actor, const struct trace_event *event)
{
    uint32_t page = event->page;
    uint32_t npages = event->count;
    uint32_t before = page != 0 ? places[page - 1].block : 0;
    bool at = op_of(event) == TRACE_MAP_AT;
    uint32_t moved = actor->moved != 0 ? places[actor->moved - 1].block : 0;
    bool mapped = actor->moved != 0 && moved == 0 && places[actor->moved - 1].addr != NULL;
    if (mapped && move_mapping(actor->moved - 1, page, npages)) {
        ;
    } else if (moved != 0 && at) {
        npages += block_pages(moved - 1);
        resize_block(moved - 1, page, npages, npages * PAGE_BYTES);
    } else if (moved != 0 && actor->block_bytes != 0) {
        resize_block(moved - 1, page, npages, actor->block_bytes);
    } else if (actor->block_bytes != 0) {
        set_places(page, npages, memory_block(actor->block_bytes, actor->zero), actor->block_bytes);
    } else if (at && before != 0) {
        npages += block_pages(before - 1);
        resize_block(before - 1, before - 1, npages, npages * PAGE_BYTES);
    } else {
        char *near = at && page != 0 && places[page - 1].addr != NULL
                         ? places[page - 1].addr + PAGE_BYTES
                         : NULL;
        set_places(page, npages, memory_map(npages * PAGE_BYTES, near), 0);
    }
    note_request(event, actor->block_bytes != 0 ? actor->block_bytes : event->count * PAGE_BYTES);
    actor->moved = 0;
    actor->block_bytes = 0;
}

static void reserve(const struct trace_event *event)
{
    char *addr = memory_reserve(event->count * PAGE_BYTES);
    set_places(event->page, event->count, addr, 0);
    for (uint32_t i = 0; i < event->count; i++)
        places[event->page + i].reserved = true;
    note_request(event, event->count * PAGE_BYTES);
}

/* The pages from here on that are one stretch of mapped memory here, too. */
static uint32_t stretch(uint32_t page, uint32_t end)
{
    uint32_t from = page;
    while (++page < end && places[page].block == 0 &&
           places[page].reserved == places[page - 1].reserved &&
           places[page].addr == places[page - 1].addr + PAGE_BYTES)
        continue;
    return page - from;
}

/* A block, or, from a page within it on, its end. Returns how many pages that were. */
static uint32_t free_block(uint32_t page)
{
    uint32_t start = places[page].block - 1;
    uint32_t npages = block_pages(start);
    if (start != page) {
        resize_block(start, start, page - start, (page - start) * PAGE_BYTES);
        return start + npages - page;
    }
    memory_free(places[start].addr);
    forget(start, npages);
    return npages;
}

static void free_pages(const struct trace_event *event)
{
    uint32_t end = event->page + event->count;
    for (uint32_t page = event->page, n = 1; page < end; page += n, n = 1) {
        if (places[page].addr == NULL)
            continue;
        if (places[page].block != 0) {
            n = free_block(page);
            continue;
        }
        n = stretch(page, end);
        memory_unmap(places[page].addr, n * PAGE_BYTES);
        forget(page, n);
    }
}

static void commit(uint32_t page, uint32_t npages)
{
    memory_commit(places[page].addr, npages * PAGE_BYTES);
    for (uint32_t i = 0; i < npages; i++)
        places[page + i].reserved = false;
}

static void commit_pages(const struct trace_event *event)
{
    uint32_t end = event->page + event->count;
    for (uint32_t page = event->page, n = 1; page < end; page += n, n = 1) {
        if (places[page].addr == NULL || places[page].block != 0)
            continue;
        n = stretch(page, end);
        commit(page, n);
    }
}

static void touch_block(uint32_t page, uint32_t npages)
{
    uint32_t start = places[page].block - 1;
    size_t from = (page - start) * PAGE_BYTES;
    size_t to = min_size(from + npages * PAGE_BYTES, places[start].block_bytes);
    if (from < to)
        memory_touch(places[page].addr, to - from);
}

static void touch(size_t event)
{
    for (uint32_t i = file.first[event]; i != 0; i = file.touched[i].next) {
        uint32_t end = file.touched[i].page + file.touched[i].npages;
        for (uint32_t page = file.touched[i].page, n = 1; page < end; page += n, n = 1) {
            if (places[page].addr == NULL)
                continue;
            if (places[page].block != 0) {
                n = min_size(block_pages(places[page].block - 1) + places[page].block - 1, end) -
                    page;
                touch_block(page, n);
                continue;
            }
            n = stretch(page, end);
            /* It was made accessible in a way that the trace does not tell. */
            if (places[page].reserved)
                commit(page, n);
            memory_touch(places[page].addr, n * PAGE_BYTES);
        }
    }
}

static void play(size_t i, bool library)
{
    const struct trace_event *event = &file.events[i];
    struct actor *actor = actor_of(event->thread, library);
    if (library)
        g_page_arena = &actor->arena;
    switch (op_of(event)) {
    case TRACE_MAP:
    case TRACE_MAP_AT:
        map(actor, event);
        break;
    case TRACE_RESERVE:
        reserve(event);
        break;
    case TRACE_COMMIT:
        commit_pages(event);
        break;
    case TRACE_BLOCK:
    case TRACE_ZERO_BLOCK:
        actor->block_bytes = event->count;
        actor->zero = op_of(event) == TRACE_ZERO_BLOCK;
        return;
    case TRACE_MOVE:
        actor->moved = event->page + 1;
        return;
    case TRACE_FREE:
        note_free(event);
        free_pages(event);
        return;
    case TRACE_THREAD_EXIT:
        if (library) {
            block_abandon(&actor->arena, true);
            router_flush(&actor->arena);
        }
        return;
    default:
        return;
    }
    touch(i);
}

static uint64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* The most that was resident so far, or what is now. */
static long resident_kb(const char *field)
{
    char line[128];
    long kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kb = atol(line + strlen(field));
    if (status != NULL)
        fclose(status);
    return kb;
}

static void print(uint64_t cpu, long resident)
{
    struct stats stats;
    struct stats_counters sum = {0};
    stats_collect(&stats, NULL, true);
    for (int i = 0; i < STATS_SIZES; i++) {
        sum.hits += stats.sizes[i].hits;
        sum.misses += stats.sizes[i].misses;
        sum.evictions += stats.sizes[i].evictions;
    }
    uint64_t end = file.nevents != 0 ? file.events[file.nevents - 1].when >> 8 : 0;
    sizes_print();
    printf("faults %lu\ntouched %lu\ncalls %lu\ncpu_us %lu\npeak_kb %ld\nkept_kb %lu\n"
           "milliseconds %lu\ncomplete %d\n"
           "hits %lu\nmisses %lu\nevictions %lu\n",
           g_tally.faults, g_tally.touched, g_tally.calls, cpu, resident, stats.retained >> 10, end,
           file.complete, sum.hits + stats.blocks, sum.misses, sum.evictions);
}

int main(int argc, char **argv)
{
    enum memory memory = argc == 3 && strcmp(argv[1], "--off") == 0     ? MEMORY_OFF
                         : argc == 3 && strcmp(argv[1], "--fresh") == 0 ? MEMORY_FRESH
                                                                        : MEMORY_OF_LIBRARY;
    if (argc != (memory == MEMORY_OF_LIBRARY ? 2 : 3)) {
        fputs("usage: pagearena-replay [--off | --fresh] TRACE\n", stderr);
        return 64;
    }
    const char *wrong = lives_read(&file, argv[argc - 1]);
    if (wrong != NULL || !memory_start(memory)) {
        fprintf(stderr, "pagearena-replay: %s %s\n", argv[argc - 1],
                wrong != NULL ? wrong : "cannot be replayed: the library does not come up");
        return 1;
    }
    places = lives_table(file.npages, sizeof *places);
    g_tally = (struct tally){0};
    long resident = resident_kb("VmRSS:");
    uint64_t cpu = cpu_us();
    for (size_t i = 0; i < file.nevents; i++)
        play(i, memory != MEMORY_OFF);
    print(cpu_us() - cpu, resident_kb("VmHWM:") - resident);
    return 0;
}
