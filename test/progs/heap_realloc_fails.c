/* realloc and reallocarray that fail: ENOMEM, and the block is as it was. */
#include "heap.h"

static void refuse(const char *what, char *p, size_t nbytes, size_t count, size_t size)
{
    errno = 0;
    bool done = opaque(count == 1 ? realloc(p, opaque(size))
                                  : reallocarray(p, opaque(count), opaque(size))) != NULL;
    printf("%zu: ", nbytes);
    show(what, done);
    expect(!done && is_filled(p, nbytes, 7));
}

int main(void)
{
    for (size_t i = 1; i < COUNT(heap_sizes); i++) {
        size_t nbytes = heap_sizes[i];
        char *p = filled_block(nbytes, 7);
        refuse("PTRDIFF_MAX", p, nbytes, 1, PTRDIFF_MAX);
        refuse("PTRDIFF_MAX + 1", p, nbytes, 1, (size_t)PTRDIFF_MAX + 1);
        refuse("SIZE_MAX", p, nbytes, 1, SIZE_MAX);
        refuse("SIZE_MAX - 4094", p, nbytes, 1, SIZE_MAX - 4094);
        refuse("2^47", p, nbytes, 1, (size_t)1 << 47);
        refuse("array of 2 SIZE_MAX", p, nbytes, 2, SIZE_MAX);
        refuse("array of 2^32 2^32", p, nbytes, (size_t)1 << 32, (size_t)1 << 32);
        refuse("array of 2^63 2", p, nbytes, (size_t)1 << 63, 2);
        refuse("array of 3 2^62", p, nbytes, 3, (size_t)1 << 62);
        refuse("array of SIZE_MAX 2", p, nbytes, SIZE_MAX, 2);
        check_and_free(p, nbytes, 7);
    }
    errno = 0;
    show("reallocarray(NULL, SIZE_MAX, 2)",
         opaque(reallocarray(NULL, opaque(SIZE_MAX), opaque((size_t)2))) != NULL);
    char *p = reallocarray(NULL, 1000, PAGE);
    expect_served(p, 1000 * PAGE);
    fill(p, 1000 * PAGE, 1);
    expect((p = reallocarray(p, 3000, PAGE)) != NULL && is_filled(p, 1000 * PAGE, 1));
    expect((p = reallocarray(p, 10, 10)) != NULL && is_filled(p, 100, 1));
    errno = EXDEV;
    p = opaque(reallocarray(p, opaque((size_t)0), opaque((size_t)100)));
    printf("reallocarray(p, 0, 100): %s, %s\n", p == NULL ? "NULL" : "a block",
           strerrorname_np(errno));
}
