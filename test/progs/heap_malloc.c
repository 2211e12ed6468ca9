/* malloc: every size is aligned, writable, its own; what cannot be is refused with ENOMEM. */
#include "heap.h"

#define TOO_LARGE(nbytes)                                                                          \
    do {                                                                                           \
        errno = 0;                                                                                 \
        show("malloc(" #nbytes ")", opaque(malloc(opaque((size_t)(nbytes)))) != NULL);             \
    } while (0)

int main(void)
{
    char *blocks[COUNT(heap_sizes)];
    for (size_t turn = 0; turn < 6; turn++) {
        for (size_t i = 0; i < COUNT(blocks); i++)
            blocks[i] = filled_block(heap_sizes[i], turn + i);
        for (size_t i = 0; i < COUNT(blocks); i++) {
            size_t at = turn % 2 ? i : COUNT(blocks) - 1 - i;
            check_and_free(blocks[at], heap_sizes[at], turn + at);
        }
    }

    char *p = block(0), *q = block(0);
    expect(p != q);
    free(p);
    free(q);

    TOO_LARGE(PTRDIFF_MAX);
    TOO_LARGE((size_t)PTRDIFF_MAX + 1);
    TOO_LARGE((size_t)PTRDIFF_MAX - 4096);
    TOO_LARGE(SIZE_MAX);
    TOO_LARGE(SIZE_MAX - 15);
    TOO_LARGE(SIZE_MAX - 4095);
    TOO_LARGE(SIZE_MAX - 4096);
    TOO_LARGE(SIZE_MAX - (2 << 20) + 1);
    TOO_LARGE((size_t)1 << 47);
    TOO_LARGE((size_t)1 << 63);
    puts("contents ok");
}
