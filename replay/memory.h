/*
 * Where a replay has its memory from: the library, as its knobs say, or the kernel and the malloc of
 * libc. Counts the page faults of what is touched.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "defs.h"

enum memory { MEMORY_OF_LIBRARY, MEMORY_FRESH, MEMORY_OFF };

struct tally {
    uint64_t faults;
    uint64_t touched;
    uint64_t calls;
};
extern struct tally g_tally;

/* False: the library does not come up. */
bool memory_start(enum memory memory);

/* Whole pages; near, where not NULL, is where they are wanted. */
char *memory_map(size_t nbytes, void *near);

/* The place that mremap(2) has moved a mapping to; NULL where the library would copy it. */
char *memory_move(void *addr, size_t nbytes, size_t new_nbytes);

char *memory_reserve(size_t nbytes);
void memory_commit(void *addr, size_t nbytes);
void memory_unmap(void *addr, size_t nbytes);

/* Blocks of malloc. A NULL block is none. */
char *memory_block(size_t nbytes, bool zero);
char *memory_resize(void *block, size_t nbytes);
void memory_free(void *block);

/* Writes to each page of nbytes, and to the last byte. */
void memory_touch(char *addr, size_t nbytes);

#endif
