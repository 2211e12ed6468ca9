/*
 * What the fuzzer does: a list of operations on memory that is named by slot and page, never by
 * address, so that the same list can be run by two processes, and by a third after some were taken
 * out of it.
 *
 * A slot is the result of an earlier mmap or mremap, or, before there is one, a stretch of address
 * space far from everything (SLOT_PAGES long). Pages may lie outside their slot, where its
 * neighbours are.
 */
#ifndef OP_H
#define OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE ((uintptr_t)4096)

#define NSLOTS 24
#define SLOT_PAGES 64
#define OPS_MOST 16384

/* X(name): the kinds. */
#define OP_KINDS(X)                                                                                \
    X(MAP)      /* mmap of n pages, hinted at `other`; the result becomes `slot` */                \
    X(MAP_OVER) /* mmap with MAP_FIXED or MAP_FIXED_NOREPLACE, inside `slot` */                    \
    X(UNMAP)                                                                                       \
    X(PROTECT)                                                                                     \
    X(ADVISE) /* flags: the advice */                                                              \
    X(REMAP)  /* to other_n pages; with MREMAP_FIXED inside `other`; the result becomes `into` */  \
    X(LOCK)   /* flags: those of mlock2; -1: mlock */                                              \
    X(UNLOCK)                                                                                      \
    X(SYNC)                                                                                        \
    X(CORE)                                                                                        \
    X(BIND)                                                                                        \
    X(NAME)                                                                                        \
    X(SEAL)                                                                                        \
    X(REFILE) /* remap_file_pages */                                                               \
    X(SPLICE) /* fills one page, lends it to a pipe, unmaps it */                                  \
    X(DRAIN)  /* reads what the pipe holds */                                                      \
    X(WRITE)  /* every other_n-th page; flags: a style */                                          \
    X(READ)                                                                                        \
    X(FORK) /* the next n operations are the child's; flags: which fork */

enum kind {
#define ENUMERATE(name) OP_##name,
    OP_KINDS(ENUMERATE)
#undef ENUMERATE
        NKINDS
};

extern const char *const op_names[NKINDS];

#define HINT_NONE 0xff
#define HINT_RANDOM 0xfe

enum file { FILE_NONE, FILE_FIRST, FILE_SECOND, FILE_BAD };
enum write_style { WRITE_WHOLE, WRITE_HEAD, WRITE_TAIL, WRITE_MIDDLE, WRITE_ZEROS, NSTYLES };
enum fork_style { FORK_LIBC, FORK_BARE, FORK_SYSTEM_CALL, FORK_VFORK, NFORKS };

struct op {
    uint8_t kind;
    uint8_t slot;
    uint8_t other;
    uint8_t into;
    uint8_t by_number; /* syscall(SYS_...) instead of the function */
    uint8_t thread;
    uint8_t file; /* which file, for the mmaps */
    uint8_t spare;
    uint16_t trim; /* bytes less than whole pages */
    uint16_t skew; /* bytes added to the address */
    int32_t off;   /* pages from the slot's start */
    int32_t n;     /* pages */
    int32_t other_off;
    int32_t other_n;
    int32_t prot;
    int32_t flags;
    uint32_t key; /* protection key + 1, file offset */
    uint64_t seed;
};

#endif
