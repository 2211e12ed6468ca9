#include "trace.h"

#include <pthread.h>
#include <string.h>

#include "config.h"
#include "lock.h"
#include "message.h"
#include "os.h"
#include "region.h"

#define BATCH 4096
#define WINDOW_PAGES 2048

bool g_trace;

/* What follows is under it; a signal handler takes it only if it is free. */
static struct lock lock;
static struct trace_event batch[BATCH] SELDOM;
static size_t nbatch;
static uint64_t nwritten;
static bool ended;
static bool anew;
static uint64_t started_ms;
static long owner; /* the process whose trace it is */

static struct message path SELDOM;

/* Programs that a process has been, one after the other, by exec: each has the same id. */
#define PROGRAMS_MOST 10

static int create_file(void)
{
    size_t tries = strstr(g_config.trace, "%p") != NULL ? PROGRAMS_MOST : 1;
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < tries; i++) {
        message_expand(&path, g_config.trace);
        if (i != 0) {
            message_add(&path, ".");
            message_add_number(&path, i);
            path.text[path.length] = '\0';
        }
        fd = os_append(path.text, true);
    }
    return fd;
}

static bool begin_file(void)
{
    struct trace_header header = {TRACE_MAGIC, (uint64_t)os_process_id()};
    owner = os_process_id();
    int fd = create_file();
    if (fd < 0)
        return false;
    bool written = os_write(fd, (const char *)&header, sizeof header);
    os_close(fd);
    return written;
}

static void flush_locked(void)
{
    bool own = os_process_id() == owner;
    int fd = ended || !own || nbatch == 0 ? -1 : os_append(path.text, false);
    if (fd >= 0) {
        ended = !os_write(fd, (const char *)batch, nbatch * sizeof *batch);
        os_close(fd);
    }
    nwritten += nbatch;
    nbatch = 0;
}

static void add_locked(const PageArena *arena, enum trace_op op, size_t page, size_t count)
{
    if (anew)
        ended = !begin_file();
    anew = false;
    if (ended)
        return;
    bool full = nwritten + nbatch + 1 == TRACE_MOST;
    uint64_t ms = os_now_ms() - started_ms;
    batch[nbatch++] = (struct trace_event){
        .page = full ? 0 : (uint32_t)page,
        .count = full ? 0 : (uint32_t)count,
        /* Arenas are pages of their own, or those of a user. */
        .thread = (uint32_t)((uintptr_t)arena >> 6),
        .when = (uint32_t)(ms << 8) | (uint32_t)(full ? TRACE_FULL : op),
    };
    if (nbatch == BATCH || full)
        flush_locked();
    ended |= full;
}

static bool acquire(const PageArena *arena)
{
    return arena != NULL ? lock_acquire(&lock) : lock_try(&lock);
}

void trace(const PageArena *arena, enum trace_op op, size_t page, size_t count)
{
    if (!acquire(arena))
        return;
    add_locked(arena, op, page, count);
    lock_release(&lock);
}

static void add_touched_locked(const PageArena *arena, size_t first, size_t npages)
{
    unsigned char residency[WINDOW_PAGES];
    for (size_t end = first + npages; first < end; first += npages) {
        npages = min_size(end - first, WINDOW_PAGES);
        if (!os_resident(region_addr(first), npages, residency))
            memset(residency, 1, npages);
        for (size_t i = 0; i < npages;) {
            size_t from = i;
            bool touched = (residency[i] & 1) != 0;
            while (++i < npages && ((residency[i] & 1) != 0) == touched)
                continue;
            if (touched)
                add_locked(arena, TRACE_TOUCH, first + from, i - from);
        }
    }
}

void trace_free(const PageArena *arena, size_t first, size_t npages)
{
    if (!acquire(arena))
        return;
    add_touched_locked(arena, first, npages);
    add_locked(arena, TRACE_FREE, first, npages);
    lock_release(&lock);
}

static void begin_in_child(void)
{
    lock = (struct lock){0};
    nbatch = 0;
    nwritten = 0;
    anew = true;
    ended = false;
}

void trace_init(void)
{
    struct message message;
    if (*g_config.trace == '\0' || strcmp(g_config.trace, "-") == 0)
        return;
    started_ms = os_now_ms();
    if (!begin_file() || pthread_atfork(NULL, NULL, begin_in_child) != 0) {
        message_init(&message);
        message_add(&message, "pagearena: cannot write a trace to ");
        message_add(&message, g_config.trace);
        message_add(&message, "\n");
        message_write(&message, 2);
        return;
    }
    g_trace = true;
    g_config.guard = GUARD_TRACES;
}

__attribute__((destructor)) static void fini(void)
{
    if (!g_trace || !lock_acquire(&lock))
        return;
    struct run run = {0, 0};
    size_t end = region_used_pages();
    while ((run = page_map_next(PAGE_LIVE, true, run.first + run.npages, end)).npages != 0)
        add_touched_locked(NULL, run.first, run.npages);
    add_locked(NULL, TRACE_EXIT, 0, 0);
    flush_locked();
    lock_release(&lock);
}
