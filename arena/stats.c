#include "stats.h"

#include "chunk.h"
#include "message.h"
#include "os.h"
#include "region.h"
#include "thread.h"

#define PATH_LONGEST 4096

#define STATS_TOTALS(X)                                                                            \
    X(allocated)                                                                                   \
    X(live)                                                                                        \
    X(cached)                                                                                      \
    X(retained)                                                                                    \
    X(region)                                                                                      \
    X(total_allocs)                                                                                \
    X(total_frees)                                                                                 \
    X(mmap_calls)

#define STATS_COUNTERS(X)                                                                          \
    X(hits)                                                                                        \
    X(misses)                                                                                      \
    X(frees)                                                                                       \
    X(evictions)

#define FIELD(name) uint64_t name;
struct counters {
    STATS_COUNTERS(FIELD)
};

#define NSIZES (1 + WARM_SIZES)
static const char *const size_names[NSIZES] = {"hot_4k", "warm_64k", "warm_128k", "warm_2m"};

struct stats {
    STATS_TOTALS(FIELD)
    struct counters sizes[NSIZES];
};
#undef FIELD

static void add_stack(struct counters *counters, const PageStack *stack)
{
#define ADD(name) counters->name += count_read(&stack->name);
    STATS_COUNTERS(ADD)
#undef ADD
}

static void add_arena(const PageArena *arena, void *context)
{
    struct stats *stats = context;
    stats->allocated += count_read(&arena->bytes_out);
    stats->total_allocs += count_read(&arena->total_allocs);
    stats->total_frees += count_read(&arena->total_frees);
    stats->mmap_calls += count_read(&arena->mmap_calls);
    size_t free_units = chunk_free_units(arena);
    size_t unused_units = min_size(chunk_unused_units(arena), free_units);
    stats->live -= free_units * UNIT_BYTES;
    stats->cached += (free_units - unused_units) * UNIT_BYTES;
    add_stack(&stats->sizes[0], &arena->hot.pages);
    for (int i = 0; i < WARM_SIZES; i++)
        add_stack(&stats->sizes[1 + i], &arena->warm.spans[i]);
}

static void collect(struct stats *stats, const PageArena *arena)
{
    size_t used = region_used_pages();
    *stats = (struct stats){0};
    if (arena != NULL)
        add_arena(arena, stats);
    else
        thread_each_arena(add_arena, stats);
    stats->region = g_region.nbytes;
    /* What is free in chunks is live to the page map. */
    stats->live += page_map_count(PAGE_LIVE, 0, used) * PAGE_BYTES;
    if (stats->live > stats->region)
        stats->live = 0;
    stats->cached += page_map_count(PAGE_CACHED, 0, used) * PAGE_BYTES;
    stats->retained = stats->cached + region_dirty_pages() * PAGE_BYTES;
}

static void add_line(struct message *message, const char *group, const char *name, uint64_t value)
{
    message_add(message, group);
    message_add(message, group[0] != '\0' ? "." : "");
    message_add(message, name);
    message_add(message, " ");
    message_add_number(message, value);
    message_add(message, "\n");
}

void stats_print(const PageArena *arena, int fd)
{
    struct message message;
    struct stats stats;
    collect(&stats, arena);
    message_init(&message);
    add_line(&message, "", "schema", STATS_SCHEMA);
    add_line(&message, "", "pid", (uint64_t)os_process_id());
#define LINE(name) add_line(&message, "", #name, stats.name);
    STATS_TOTALS(LINE)
#undef LINE
    for (int i = 0; i < NSIZES; i++) {
#define LINE(name) add_line(&message, size_names[i], #name, stats.sizes[i].name);
        STATS_COUNTERS(LINE)
#undef LINE
    }
    message_write(&message, fd);
}

static void add_member(struct message *message, const char *separator, const char *name,
                       uint64_t value)
{
    message_add(message, separator);
    message_add(message, "\"");
    message_add(message, name);
    message_add(message, "\": ");
    message_add_number(message, value);
}

static void add_json(struct message *message, const struct stats *stats)
{
    add_member(message, "{\n  ", "schema", STATS_SCHEMA);
    add_member(message, ",\n  ", "pid", (uint64_t)os_process_id());
#define MEMBER(name) add_member(message, ",\n  ", #name, stats->name);
    STATS_TOTALS(MEMBER)
#undef MEMBER
    for (int i = 0; i < NSIZES; i++) {
        message_add(message, ",\n  \"");
        message_add(message, size_names[i]);
        message_add(message, "\": {");
        const char *separator = "";
#define MEMBER(name)                                                                               \
    add_member(message, separator, #name, stats->sizes[i].name);                                   \
    separator = ", ";
        STATS_COUNTERS(MEMBER)
#undef MEMBER
        message_add(message, "}");
    }
    message_add(message, "\n}\n");
}

/* False: the path is too long. */
static bool expand(struct message *path, const char *pattern)
{
    message_init(path);
    for (; *pattern != '\0' && path->length < PATH_LONGEST - 32; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            message_add_number(path, (uint64_t)os_process_id());
            pattern++;
        } else {
            message_add(path, (char[]){*pattern, '\0'});
        }
    }
    path->text[path->length] = '\0';
    return *pattern == '\0';
}

bool stats_save(const char *path)
{
    struct message message;
    struct stats stats;
    if (!expand(&message, path))
        return false;
    int fd = os_create(message.text);
    if (fd < 0)
        return false;
    collect(&stats, NULL);
    message_init(&message);
    add_json(&message, &stats);
    bool saved = message_write(&message, fd);
    os_close(fd);
    return saved;
}
