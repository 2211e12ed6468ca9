/*
 * The next malloc in line: glibc's, or that of a library preloaded behind us. Whoever calls first
 * resolves all of it; until that is done, what dlsym(3) itself allocates comes from a small buffer
 * that is never freed.
 */
#ifndef NEXT_H
#define NEXT_H

#include <stdbool.h>
#include <stddef.h>

/* X(result, name, (parameters), arguments...) */
#define NEXT_CALLS(X)                                                                              \
    X(void *, malloc, (size_t n), n)                                                               \
    X(void *, calloc, (size_t count, size_t n), count, n)                                          \
    X(void *, realloc, (void *p, size_t n), p, n)                                                  \
    X(void *, memalign, (size_t alignment, size_t n), alignment, n)                                \
    X(void *, aligned_alloc, (size_t alignment, size_t n), alignment, n)                           \
    X(int, posix_memalign, (void **to, size_t alignment, size_t n), to, alignment, n)              \
    X(void *, valloc, (size_t n), n)                                                               \
    X(void *, pvalloc, (size_t n), n)                                                              \
    X(size_t, malloc_usable_size, (void *p), p)                                                    \
    X(int, malloc_trim, (size_t pad), pad)

struct next {
#define POINTER(result, name, parameters, ...) result(*name) parameters;
    NEXT_CALLS(POINTER)
#undef POINTER
    void (*free)(void *p);
};

extern struct next next;

/* Resolves now what has not been. */
void next_resolve(void);

bool next_is_glibc(void);

/* Whether it was preloaded; a library that the program itself was linked with may be asked for more. */
bool next_is_preloaded(void);

#endif
