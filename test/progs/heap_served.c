/* Which blocks are served: by the knobs, by every function, and across MALLOC_MIN both ways. */
#include "heap.h"

#define SHOW(call, nbytes)                                                                         \
    do {                                                                                           \
        void *served_block = opaque(call);                                                         \
        expect(served_block != NULL);                                                              \
        expect_served(served_block, nbytes);                                                       \
        free(served_block);                                                                        \
    } while (0)

int main(void)
{
    static const size_t sizes[] = {SERVED_FROM, SERVED_FROM + 1, MB, 2 * MB, 3 * MB, 16 * MB};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t nbytes = sizes[i];
        void *out = NULL;
        SHOW(malloc(nbytes), nbytes);
        SHOW(calloc(nbytes / 8, 8), nbytes);
        SHOW(realloc(NULL, nbytes), nbytes);
        SHOW(reallocarray(NULL, nbytes, 1), nbytes);
        SHOW(aligned_alloc(64, nbytes), nbytes);
        SHOW(aligned_alloc(2 * MB, nbytes), nbytes);
        SHOW(memalign(PAGE, nbytes), nbytes);
        SHOW(valloc(nbytes), nbytes);
        SHOW(pvalloc(nbytes), nbytes);
        SHOW((posix_memalign(&out, 32, nbytes), out), nbytes);
    }
    SHOW(malloc(PAGE - 1), PAGE - 1);
    SHOW(malloc(PAGE), PAGE);
    SHOW(malloc(33 * MB), 33 * MB);
    SHOW(calloc(1, 100), 100);

    /* A block follows its size over the border. */
    char *p = filled_block(1000, 3);
    p = opaque(realloc(p, SERVED_FROM));
    expect_served(p, SERVED_FROM);
    expect(is_filled(p, 1000, 3));
    fill(p, SERVED_FROM, 4);
    p = opaque(realloc(p, 100 * MB));
    expect(is_filled(p, SERVED_FROM, 4));
    p = opaque(realloc(p, SERVED_FROM));
    expect(is_filled(p, SERVED_FROM, 4));
    p = opaque(realloc(p, 100));
    expect(is_filled(p, 100, 4));
    free(p);

    /* A block that was freed serves again: no fresh memory for each turn. */
    long before = status_kb("VmRSS:");
    for (size_t turn = 0; turn < 500; turn++)
        check_and_free(filled_block(MB, turn), MB, turn);
    expect(status_kb("VmRSS:") < before + 8 * 1024);
    puts("as the knobs say");
}
