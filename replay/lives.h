/*
 * A trace, and for each of its events what was touched of the pages in the life that it began: up to
 * the event that freed them, or the end.
 */
#ifndef LIVES_H
#define LIVES_H

#include "defs.h"
#include "trace.h"

/* Pages that are touched after an event; a list by index, 0 ends it. */
struct touched {
    uint32_t page;
    uint32_t npages;
    uint32_t next;
};

struct trace_file {
    const struct trace_event *events;
    size_t nevents;
    size_t npages; /* no event has a page from here on */
    bool complete;
    uint32_t *first; /* of each event: its list */
    struct touched *touched;
};

/* Reads a trace and finds the lives. NULL, or what is wrong with the file. */
const char *lives_read(struct trace_file *file, const char *path);

/* Zeroed, resident memory; ends the program where there is none. */
void *lives_table(size_t count, size_t size);

static inline enum trace_op op_of(const struct trace_event *event)
{
    return (enum trace_op)(event->when & 0xff);
}

#endif
