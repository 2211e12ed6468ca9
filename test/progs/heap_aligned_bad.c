/* Alignments and sizes that glibc refuses, or accepts: results, errno and *out are glibc's. */
#include "heap.h"

static const size_t sizes[] = {0, 1, 100, PAGE, MB, 3 * MB};
static const size_t alignments[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    7,
                                    12,
                                    24,
                                    48,
                                    100,
                                    PAGE - 8,
                                    PAGE + 8,
                                    3 * PAGE,
                                    MB + 8,
                                    MB - 1,
                                    5 * MB,
                                    SIZE_MAX,
                                    SIZE_MAX / 2 + 1,
                                    SIZE_MAX / 2,
                                    (size_t)1 << 62,
                                    (size_t)1 << 48,
                                    (size_t)1 << 46};

static void tell(const char *function, size_t alignment, size_t nbytes, void *p)
{
    printf("%s(%#zx, %zu): %s, %s, %s\n", function, alignment, nbytes, p == NULL ? "NULL" : "block",
           strerrorname_np(errno),
           p == NULL || alignment == 0 || (alignment & (alignment - 1)) != 0 ? "-"
           : is_aligned(p, alignment) && malloc_usable_size(p) >= nbytes     ? "good"
                                                                             : "bad");
    free(p);
}

static void try_all(size_t alignment, size_t nbytes)
{
    static char untouched;
    void *out = &untouched;
    errno = EXDEV;
    tell("aligned_alloc", alignment, nbytes, aligned_alloc(opaque(alignment), opaque(nbytes)));
    errno = EXDEV;
    tell("memalign", alignment, nbytes, memalign(opaque(alignment), opaque(nbytes)));
    errno = EXDEV;
    int result = posix_memalign(&out, opaque(alignment), opaque(nbytes));
    printf("posix_memalign(%#zx, %zu): %s, %s, %s\n", alignment, nbytes,
           result == 0 ? "0" : strerrorname_np(result), strerrorname_np(errno),
           out == &untouched            ? "untouched"
           : is_aligned(out, alignment) ? "good"
                                        : "bad");
    if (result == 0)
        free(out);
}

int main(void)
{
    static const size_t huge[] = {PTRDIFF_MAX,
                                  (size_t)PTRDIFF_MAX + 1,
                                  SIZE_MAX,
                                  SIZE_MAX - 15,
                                  SIZE_MAX - PAGE,
                                  SIZE_MAX - PAGE + 1,
                                  SIZE_MAX - 2 * PAGE,
                                  (size_t)PTRDIFF_MAX - PAGE,
                                  (size_t)1 << 47};
    for (size_t i = 0; i < COUNT(alignments); i++)
        for (size_t j = 0; j < COUNT(sizes); j++)
            try_all(alignments[i], sizes[j]);
    for (size_t alignment = 8; alignment <= 4 * MB; alignment *= 8)
        for (size_t j = 0; j < COUNT(huge); j++)
            try_all(alignment, huge[j]);
    for (size_t j = 0; j < COUNT(huge) + COUNT(sizes); j++) {
        size_t nbytes = j < COUNT(huge) ? huge[j] : sizes[j - COUNT(huge)];
        errno = EXDEV;
        tell("valloc", PAGE, nbytes, valloc(opaque(nbytes)));
        errno = EXDEV;
        tell("pvalloc", PAGE, nbytes, pvalloc(opaque(nbytes)));
    }
}
