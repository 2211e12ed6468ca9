/*
 * The knobs: environment variables HAKMEM_PAGE_ARENA_<NAME>, read once.
 *
 * A number is decimal with an optional K, M or G (powers of 1024). One that is not a whole number
 * is ignored, one out of range is clamped, each with one line on stderr that names the knob, the
 * value and what is used instead. Nothing is read from the environment of a set-id program
 * (secure_getenv(3)). `make check` compares this table with the one in README.md.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "defs.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* Bounds that library users meet too. */
enum {
    HOT_SIZE_LOWEST = 64,
    HOT_SIZE_HIGHEST = 4096,
    WARM_64K_LOWEST = 16,
    WARM_64K_HIGHEST = 1024,
    WARM_128K_LOWEST = 8,
    WARM_128K_HIGHEST = 512,
    WARM_2M_LOWEST = 4,
    WARM_2M_HIGHEST = 256,
};

/* What is bounded by this is a time in ms, and may be -1: never. */
#define CONFIG_PERIOD_MOST 3600000
#define CONFIG_NEVER SIZE_MAX

/* X(NAME, default as the README shows it, default, lowest, highest, field) */
#define CONFIG_NUMBERS(X)                                                                          \
    X(HOT_SIZE, "1024", 1024, HOT_SIZE_LOWEST, HOT_SIZE_HIGHEST, hot_size)                         \
    X(WARM_64K, "256", 256, WARM_64K_LOWEST, WARM_64K_HIGHEST, warm_64k)                           \
    X(WARM_128K, "128", 128, WARM_128K_LOWEST, WARM_128K_HIGHEST, warm_128k)                       \
    X(WARM_2M, "64", 64, WARM_2M_LOWEST, WARM_2M_HIGHEST, warm_2m)                                 \
    X(MAX_SPAN, "32M", 32 * MIB, 64 * KIB, GIB, max_span)                                          \
    X(REGION, "64G", 64 * GIB, 64 * MIB, 1024 * GIB, region)                                       \
    X(GUARD, "0", 0, 0, 1, guard)                                                                  \
    X(SCRUB, "0", 0, 0, 1, scrub)                                                                  \
    X(MALLOC, "1", 1, 0, 1, malloc)                                                                \
    X(MALLOC_MIN, "8K", 8 * KIB, 4 * KIB, 2 * MIB, malloc_min)                                     \
    X(DECAY_MS, "10000", 10000, 0, CONFIG_PERIOD_MOST, decay_ms)                                   \
    X(BACKGROUND, "0", 0, 0, 1, background)

/*
 * X(NAME, default as the README shows it, field). Unset leaves the field "". It is a copy: programs
 * such as redis-server write their title over their environment.
 */
#define CONFIG_TEXT_MAX 4096
#define CONFIG_TEXTS(X)                                                                            \
    X(ONLY, "-", only)                                                                             \
    X(STATS, "0", stats)                                                                           \
    X(PUBLISH, "0", publish)                                                                       \
    X(TRACE, "-", trace)

/* What `guard` is, beyond 0 and 1, while a trace is written: see trace.h. */
#define GUARD_TRACES 2

/* X(NAME, default as the README shows it, field, words...). The field is the place of its word. */
#define CONFIG_CHOICES(X) X(THP, "auto", thp, "auto", "always", "never")
enum { THP_AUTO, THP_ALWAYS, THP_NEVER };

struct config {
    bool enable;
#define FIELD(name, shown, standard, lowest, highest, field) size_t field;
    CONFIG_NUMBERS(FIELD)
#undef FIELD
#define FIELD(name, shown, field, ...) size_t field;
    CONFIG_CHOICES(FIELD)
#undef FIELD
#define FIELD(name, shown, field) const char *field;
    CONFIG_TEXTS(FIELD)
#undef FIELD
};

/* What the knobs say. Frozen after config_load. */
extern struct config g_config;

/* Reads ENABLE and ONLY. No other knob may speak in a program where these say no. */
void config_load_switch(void);

/* Reads all other knobs, and these if they were not read yet. */
void config_load(void);

/* Logs the settings, one line each, in debug builds. */
void config_log(void);

#endif
