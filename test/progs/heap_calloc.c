/* calloc: zero, over whatever lay there before; products that overflow are refused. */
#include "heap.h"

static char *zeroed(size_t count, size_t nbytes)
{
    char *p = opaque(calloc(opaque(count), opaque(nbytes)));
    expect(p != NULL && is_aligned(p, 16));
    expect_served(p, count * nbytes);
    expect(is_zero(p, count * nbytes));
    return p;
}

#define TOO_LARGE(count, nbytes)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        show("calloc(" #count ", " #nbytes ")",                                                    \
             opaque(calloc(opaque((size_t)(count)), opaque((size_t)(nbytes)))) != NULL);           \
    } while (0)

int main(void)
{
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < COUNT(heap_sizes); i++) {
            char *p = zeroed(heap_sizes[i], 1), *q = zeroed(1, heap_sizes[i]);
            memset(p, 0xee, heap_sizes[i]);
            expect(is_zero(q, heap_sizes[i]));
            free(p);
            memset(q, 0xdd, malloc_usable_size(q));
            free(q);
        }
        leave_dirt();
    }

    /* Of the pages that came back, some are dirty, some were never touched. */
    for (size_t turn = 0; turn < 40; turn++) {
        char *p = zeroed(40 + turn, 2 * PAGE);
        for (size_t page = turn; page < 2 * (40 + turn); page += 3)
            p[page * PAGE + turn] = 1;
        free(p);
    }

    /* What the other functions leave behind. */
    char *p = zeroed(100, PAGE);
    memset(p, 0xee, 100 * PAGE);
    expect((p = realloc(p, 30 * PAGE)) != NULL);
    char *q = zeroed(70, PAGE), *r = aligned_alloc(64 * PAGE, 64 * PAGE);
    memset(r, 0xee, 64 * PAGE);
    free(r);
    free(zeroed(64, PAGE));
    free(p);
    free(q);
    free(zeroed(100, PAGE));
    p = map(100 * PAGE);
    memset(p, 0xee, 100 * PAGE);
    unmap(p, 100 * PAGE);
    free(zeroed(100, PAGE));

    free(zeroed(0, 0));
    free(zeroed(0, SIZE_MAX));
    free(zeroed(SIZE_MAX, 0));
    TOO_LARGE(SIZE_MAX, 2);
    TOO_LARGE(2, SIZE_MAX);
    TOO_LARGE(1, SIZE_MAX);
    TOO_LARGE((size_t)1 << 32, (size_t)1 << 32);
    TOO_LARGE(((size_t)1 << 32) + 1, (size_t)1 << 32);
    TOO_LARGE(SIZE_MAX / 4096 + 1, 4096);
    TOO_LARGE(SIZE_MAX / 4096 + 2, 4096);
    TOO_LARGE(1, PTRDIFF_MAX);
    TOO_LARGE(1, (size_t)PTRDIFF_MAX + 1);
    TOO_LARGE((size_t)PTRDIFF_MAX / 4096 + 1, 4096);
    puts("contents ok");
}
