/* Aligned blocks: every alignment with every size, by every function, and what realloc makes of them. */
#include "heap.h"

static void *by_posix_memalign(size_t alignment, size_t nbytes)
{
    void *p = NULL;
    errno = EXDEV;
    expect(posix_memalign(&p, alignment, nbytes) == 0 && errno == EXDEV);
    return p;
}

static void *by_valloc(size_t alignment, size_t nbytes)
{
    return alignment == PAGE ? valloc(nbytes) : memalign(alignment, nbytes);
}

static void *by_pvalloc(size_t alignment, size_t nbytes)
{
    if (alignment != PAGE)
        return memalign(alignment, nbytes);
    char *p = pvalloc(nbytes);
    expect(malloc_usable_size(p) >= (nbytes + PAGE - 1) / PAGE * PAGE);
    return p;
}

int main(void)
{
    static void *(*const functions[])(size_t, size_t) = {aligned_alloc, memalign, by_posix_memalign,
                                                         by_valloc, by_pvalloc};
    for (size_t turn = 0; turn < 2; turn++)
        for (size_t alignment = 8; alignment <= 4 * MB; alignment *= 2)
            for (size_t i = 0; i < COUNT(heap_sizes); i++) {
                char *blocks[COUNT(functions)];
                size_t nbytes = heap_sizes[i];
                if (nbytes > 2 * MB && alignment != 64 && alignment != 4 * MB)
                    continue;
                for (size_t f = 0; f < COUNT(functions); f++) {
                    blocks[f] = opaque(functions[f](alignment, nbytes));
                    expect(blocks[f] != NULL && is_aligned(blocks[f], alignment));
                    expect(malloc_usable_size(blocks[f]) >= nbytes);
                    if (alignment <= PAGE && f < 4)
                        expect_served(blocks[f], nbytes);
                    fill(blocks[f], nbytes, f);
                }
                for (size_t f = 0; f < COUNT(functions); f++) {
                    expect(is_filled(blocks[f], nbytes, f));
                    if (f != turn) {
                        free(opaque(blocks[f]));
                        continue;
                    }
                    char *p = opaque(realloc(blocks[f], nbytes + 5 * PAGE));
                    expect(p != NULL && (nbytes > PAGE || is_filled(p, nbytes, f)));
                    free(p);
                }
            }

    /* A small block with a large alignment, many of them: none may cost its alignment for good. */
    for (size_t i = 0; i < 2000; i++) {
        char *p = opaque(aligned_alloc(2 * MB, 100));
        expect(p != NULL && is_aligned(p, 2 * MB));
        memset(p, 1, 100);
        free(p);
    }
    printf("resident: %s\n", status_kb("VmRSS:") < 300 * 1024 ? "bounded" : "too much");
    puts("contents ok");
}
