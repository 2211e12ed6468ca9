/*
 * What a program asks for, written to a file for `pagearena advise`: HAKMEM_PAGE_ARENA_TRACE.
 *
 * While it is on, nothing is recycled: blocks are whole pages, and what is freed is given back to
 * the kernel, so that the pages that are resident when it is freed are those that the program has
 * touched since it had it. A program runs as fast as without the library, or a little slower.
 *
 * The file is a trace_header and trace_events in the order in which they came about, of all threads.
 * It must not be there yet. It is opened for each batch of events, and no descriptor is kept. The
 * child of a fork(2) writes one of its own if the path has %p, or none. So does the program that
 * another one becomes by execve(2), as PATH.1 to PATH.9; what that one asked for last, up to a batch,
 * is in no file.
 */
#ifndef TRACE_H
#define TRACE_H

#include "page_arena.h"

#define TRACE_MAGIC 0x3145434152544150 /* "PATRACE1" */

/* Events of a process: then its trace ends. */
#define TRACE_MOST ((uint64_t)4 << 20)

/* Pages are those of the region. What is said to be of the next is of the next of that thread. */
enum trace_op {
    TRACE_MAP = 1,     /* page, npages: were handed out */
    TRACE_MAP_AT,      /* page, npages: were asked for at that place */
    TRACE_RESERVE,     /* page, npages: may not be touched as yet */
    TRACE_COMMIT,      /* page, npages: reserved pages may be touched from here on */
    TRACE_BLOCK,       /* 0, nbytes: the next map is a block of malloc, */
    TRACE_ZERO_BLOCK,  /* of calloc */
    TRACE_MOVE,        /* page, nbytes: the next map takes this one's place: realloc, mremap(2) */
    TRACE_TOUCH,       /* page, npages: have been touched; before they are freed, or at the end */
    TRACE_FREE,        /* page, npages */
    TRACE_THREAD_EXIT, /* 0, 0 */
    TRACE_EXIT,        /* 0, 0: the end of the process. Without it all that is live was touched */
    TRACE_FULL,        /* 0, 0: the trace ends here, the process went on */
};

struct trace_header {
    uint64_t magic;
    uint64_t pid;
};

struct trace_event {
    uint32_t page;
    uint32_t count;
    uint32_t thread;
    uint32_t when; /* op in the lowest 8 bits; above, milliseconds */
};

/* Whether it is on; frozen after trace_init. */
extern bool g_trace;

/* Begins if the knobs say so. Needs thread_init. */
void trace_init(void);

/* Notes an event. Arena NULL: the thread goes without one, and may be in a signal handler. */
void trace(const PageArena *arena, enum trace_op op, size_t page, size_t count);

/* The pages, which are in flight, are freed: notes which of them were touched, and that. */
void trace_free(const PageArena *arena, size_t first, size_t npages);

#endif
