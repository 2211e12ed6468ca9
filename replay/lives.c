#include "lives.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A region has at most 1 TB. */
#define PAGES_MOST ((size_t)1 << 28)

static size_t ntouched, room;

void *lives_table(size_t count, size_t size)
{
    void *table = mmap(NULL, (count + 1) * size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (table != MAP_FAILED)
        return table;
    fputs("pagearena-replay: out of memory\n", stderr);
    exit(1);
}

static void add(struct trace_file *file, uint32_t owner, uint32_t page, uint32_t npages)
{
    if (++ntouched >= room) {
        size_t more = room * 2 + 1024;
        struct touched *table = lives_table(more, sizeof *table);
        for (size_t i = 0; i < room; i++)
            table[i] = file->touched[i];
        if (file->touched != NULL)
            munmap(file->touched, (room + 1) * sizeof *table);
        file->touched = table;
        room = more;
    }
    file->touched[ntouched] = (struct touched){page, npages, file->first[owner - 1]};
    file->first[owner - 1] = (uint32_t)ntouched;
}

/* Splits what was touched by the event that began its life. */
static void touch(struct trace_file *file, uint32_t *owners, size_t page, size_t end)
{
    while (page < end) {
        size_t from = page;
        uint32_t owner = owners[page];
        while (++page < end && owners[page] == owner)
            continue;
        if (owner != 0)
            add(file, owner, (uint32_t)from, (uint32_t)(page - from));
    }
}

static void set_owner(uint32_t *owners, const struct trace_event *event, uint32_t owner)
{
    for (uint32_t i = 0; i < event->count; i++)
        owners[event->page + i] = owner;
}

static void find_lives(struct trace_file *file)
{
    uint32_t *owners = lives_table(file->npages, sizeof *owners);
    file->first = lives_table(file->nevents, sizeof *file->first);
    for (size_t i = 0; i < file->nevents; i++) {
        const struct trace_event *event = &file->events[i];
        switch (op_of(event)) {
        case TRACE_MAP:
        case TRACE_MAP_AT:
        case TRACE_RESERVE:
        case TRACE_COMMIT:
            set_owner(owners, event, (uint32_t)i + 1);
            break;
        case TRACE_TOUCH:
            touch(file, owners, event->page, event->page + (size_t)event->count);
            break;
        case TRACE_FREE:
            set_owner(owners, event, 0);
            break;
        case TRACE_EXIT:
            file->complete = true;
            break;
        default:
            break;
        }
    }
    if (!file->complete)
        touch(file, owners, 0, file->npages);
    munmap(owners, (file->npages + 1) * sizeof *owners);
}

static bool has_pages(enum trace_op op)
{
    return op != TRACE_BLOCK && op != TRACE_ZERO_BLOCK && op != TRACE_MOVE;
}

const char *lives_read(struct trace_file *file, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return "cannot be read";
    const struct trace_header *header =
        mmap(NULL, (size_t)status.st_size + 1, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    if (header == MAP_FAILED || (size_t)status.st_size < sizeof *header ||
        header->magic != TRACE_MAGIC)
        return "is not a trace";
    *file = (struct trace_file){.events = (const struct trace_event *)(header + 1)};
    size_t most = ((size_t)status.st_size - sizeof *header) / sizeof *file->events;
    file->nevents = min_size(most, TRACE_MOST);
    for (size_t i = 0; i < file->nevents; i++) {
        size_t pages = has_pages(op_of(&file->events[i])) ? file->events[i].count : 1;
        size_t end = file->events[i].page + pages;
        if (end > PAGES_MOST)
            return "is not a trace: it has a page that no region has";
        file->npages = max_size(file->npages, end);
    }
    find_lives(file);
    return NULL;
}
