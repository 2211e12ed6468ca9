#include "stats.h"

#include "chunk.h"
#include "message.h"
#include "os.h"
#include "region.h"
#include "thread.h"

static const char *const size_names[STATS_SIZES] = {"hot_4k", "warm_64k", "warm_128k", "warm_2m",
                                                    "short"};

static void add_stack(struct stats_counters *counters, const PageStack *stack)
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
    stats->blocks += count_read(&arena->unit_blocks);
    size_t free_units = chunk_free_units(arena);
    size_t unused_units = min_size(chunk_unused_units(arena), free_units);
    stats->live -= (free_units + chunk_reserved_units(arena)) * UNIT_BYTES;
    stats->cached += (free_units - unused_units) * UNIT_BYTES;
    add_stack(&stats->sizes[0], &arena->hot.pages);
    for (int i = 0; i < WARM_SIZES; i++)
        add_stack(&stats->sizes[1 + i], &arena->warm.spans[i]);
    for (int i = 0; i < SHORT_SIZES; i++)
        add_stack(&stats->sizes[1 + WARM_SIZES], &arena->shorts.runs[i]);
}

bool stats_collect(struct stats *stats, const PageArena *arena, bool wait)
{
    size_t used = region_used_pages();
    *stats = (struct stats){0};
    if (arena != NULL)
        add_arena(arena, stats);
    else if (!thread_each_arena(add_arena, stats, wait))
        return false;
    stats->region = g_region.nbytes;
    /* What is free in chunks is live to the page map. */
    stats->live += page_map_count(PAGE_LIVE, 0, used) * PAGE_BYTES;
    if (stats->live > stats->region)
        stats->live = 0;
    stats->cached += page_map_count(PAGE_CACHED, 0, used) * PAGE_BYTES;
    stats->retained = stats->cached + region_dirty_pages() * PAGE_BYTES;
    return true;
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
    stats_collect(&stats, arena, true);
    message_init(&message);
    add_line(&message, "", "schema", STATS_SCHEMA);
    add_line(&message, "", "pid", (uint64_t)os_process_id());
#define LINE(name) add_line(&message, "", #name, stats.name);
    STATS_TOTALS(LINE)
#undef LINE
    for (int i = 0; i < STATS_SIZES; i++) {
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
    for (int i = 0; i < STATS_SIZES; i++) {
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

bool stats_save(const char *path)
{
    struct message message;
    struct stats stats;
    if (!message_expand(&message, path))
        return false;
    int fd = os_create(message.text);
    if (fd < 0)
        return false;
    stats_collect(&stats, NULL, true);
    message_init(&message);
    add_json(&message, &stats);
    bool saved = message_write(&message, fd);
    os_close(fd);
    return saved;
}
