/*
 * What the heap fuzzer does: a list of steps on blocks that are named by slot, never by address. A
 * slot is empty, or holds a block of the heap, or a mapping; a step that does not fit what its slot
 * holds does nothing. So a list means something after any of its steps were taken out.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)

#define NSLOTS 1024
#define STEPS_MOST (1 << 19)
#define THREADS_MOST 4

/* X(name) */
#define STEP_KINDS(X)                                                                              \
    X(MALLOC)                                                                                      \
    X(CALLOC) /* of count elements */                                                              \
    X(ALIGNED_ALLOC)                                                                               \
    X(MEMALIGN)                                                                                    \
    X(POSIX_MEMALIGN)                                                                              \
    X(VALLOC)                                                                                      \
    X(PVALLOC)                                                                                     \
    X(MAP)                                                                                         \
    X(REALLOC)      /* an empty slot: of NULL */                                                   \
    X(REALLOCARRAY) /* the same, of count elements */                                              \
    X(FREE)         /* the same */                                                                 \
    X(USABLE)       /* the same */                                                                 \
    X(UNMAP)                                                                                       \
    X(REMAP) /* to size bytes, wherever */                                                         \
    X(CUT)   /* all but size bytes */                                                              \
    X(CHECK) /* the contents, and new ones */                                                      \
    X(TRIM)  /* malloc_trim */                                                                     \
    X(FORK)  /* the thread's next count steps are the child's */

enum step_kind {
#define ENUMERATE(name) STEP_##name,
    STEP_KINDS(ENUMERATE)
#undef ENUMERATE
        NSTEPKINDS
};

/* How much of a block is written, and compared later; each holds the ones before it. */
enum style {
    STYLE_EDGES,
    STYLE_SAMPLES, /* some places inside */
    STYLE_PAGES,   /* the start of each page */
    STYLE_WHOLE,
    NSTYLES
};

struct step {
    uint8_t kind;
    uint8_t thread;
    uint8_t style;
    bool usable; /* write what malloc_usable_size grants, too */
    uint16_t slot;
    uint16_t round; /* steps of one round may be done in parallel, those of two never */
    uint64_t size;
    uint64_t count;
    uint64_t align;
    uint64_t tag;
};

/* Which of the threads a slot belongs to in a round. */
static inline int step_owner(int slot, int round, int nthreads)
{
    return (slot / (1 + round % 3) + round) % nthreads;
}

#endif
