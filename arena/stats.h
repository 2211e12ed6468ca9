/*
 * What the arena has done and what it holds, for people and for programs.
 *
 * As text, `key value` lines, and as JSON with a schema number; the keys are the same and do not
 * change within a schema, but for new ones at the end. Bytes: allocated (handed out, ever), live, cached (in hot and warm
 * caches), retained (cached, and free but dirty), region (reserved). Requests: total_allocs,
 * total_frees, mmap_calls (those that went to the kernel in the end). Per size (hot_4k, warm_64k,
 * warm_128k, warm_2m, and short for 8 to 60 KB): hits, misses, frees, evictions.
 *
 * Other threads go on meanwhile: the figures are close to each other, not a snapshot.
 */
#ifndef STATS_H
#define STATS_H

#include "page_arena.h"

#define STATS_SCHEMA 1

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

#define STATS_SIZES (1 + WARM_SIZES + 1)

#define FIELD(name) uint64_t name;
struct stats_counters {
    STATS_COUNTERS(FIELD)
};
struct stats {
    STATS_TOTALS(FIELD)
    uint64_t blocks; /* of malloc, of up to 128 KB, handed out ever; not part of the schema */
    struct stats_counters sizes[STATS_SIZES];
};
#undef FIELD

/*
 * Of one arena, or of the process where arena is NULL. False: that cannot be told now; never so
 * where the caller can wait.
 */
bool stats_collect(struct stats *stats, const PageArena *arena, bool wait);

/* Lines to a file descriptor: of one arena, or of the process where arena is NULL. */
void stats_print(const PageArena *arena, int fd);

/* JSON of the process to a new file, 0600; "%p" in the path stands for the process id. */
bool stats_save(const char *path);

#endif
