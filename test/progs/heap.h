/* What the programs about malloc share. A block is served when the arena, not glibc, gave it. */
#ifndef HEAP_H
#define HEAP_H

#include <malloc.h>

#include "prog.h"

/* Where MALLOC_MIN is not set, blocks from here up must be served: its default is not above. */
#define SERVED_FROM (256 * (size_t)1024)

/* Sizes on both sides of every border: page, MALLOC_MIN's range, glibc's mmap, warm, MAX_SPAN. */
#define HEAP_SIZES                                                                                 \
    0, 1, 24, 1000, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7, 16 * PAGE - 16, 16 * PAGE,             \
        16 * PAGE + 1, 32 * PAGE - 1, 32 * PAGE, 50 * PAGE + 100, MB / 2 - 1, MB - 24, MB,         \
        2 * MB - 1, 2 * MB, 2 * MB + 1, 5 * MB, 32 * MB, 33 * MB

static const size_t heap_sizes[] = {HEAP_SIZES};

/* The compiler knows malloc too well: it must see neither where a value came from nor its end. */
#define opaque(value)                                                                              \
    ({                                                                                             \
        __typeof__(((void)0, (value))) opaque_value = (value);                                     \
        __asm__ volatile("" : "+r"(opaque_value) : : "memory");                                    \
        opaque_value;                                                                              \
    })

static inline bool is_set(const char *knob, const char *value)
{
    const char *is = getenv(knob);
    return is != NULL && strcmp(is, value) == 0;
}

static inline bool front_is_on(void)
{
    return arena_is_on() && !is_set("HAKMEM_PAGE_ARENA_MALLOC", "0");
}

/* Whether blocks of 4 KB and more are served, and no smaller ones. */
static inline bool front_is_lowest(void)
{
    return front_is_on() && is_set("HAKMEM_PAGE_ARENA_MALLOC_MIN", "4096");
}

/*
 * p, a block of nbytes, must have been served if the knobs say so, and not if they say otherwise.
 * In the smallest region there may be no room for it, and sizes near MALLOC_MIN are left open
 * where that has its default. A thread that is leaving may have no arena any more.
 */
static __thread bool is_leaving;

static inline void expect_served(const void *p, size_t nbytes)
{
    if (is_leaving)
        return;
    bool tiny = getenv("HAKMEM_PAGE_ARENA_REGION") != NULL;
    if (!front_is_on() || nbytes < PAGE || (nbytes > 32 * MB && !tiny))
        expect(!is_ours(p));
    else if (!tiny && nbytes <= 16 * MB && (nbytes >= SERVED_FROM || front_is_lowest()))
        expect(is_ours(p));
}

static inline bool is_aligned(const void *p, size_t alignment)
{
    return (uintptr_t)p % alignment == 0;
}

/* A block by malloc, served where it must be. */
static inline char *block(size_t nbytes)
{
    char *p = opaque(malloc(opaque(nbytes)));
    expect(p != NULL && is_aligned(p, 16) && malloc_usable_size(p) >= nbytes);
    expect_served(p, nbytes);
    return p;
}

static inline char *filled_block(size_t nbytes, size_t seed)
{
    char *p = block(nbytes);
    fill(p, nbytes, seed);
    return p;
}

static inline void check_and_free(char *p, size_t nbytes, size_t seed)
{
    expect(is_filled(p, nbytes, seed));
    free(opaque(p));
}

/* Leaves blocks of all sizes freed, and dirty. */
static inline void leave_dirt(void)
{
    for (size_t i = 0; i < COUNT(heap_sizes); i++) {
        char *p = block(heap_sizes[i]), *q = block(heap_sizes[i]);
        memset(p, 0xee, heap_sizes[i]);
        memset(q, 0xdd, heap_sizes[i]);
        free(opaque(p));
        free(opaque(q));
    }
}

#endif
