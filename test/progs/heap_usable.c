/* malloc_usable_size: at least what was asked for, and all of it may be written and is kept. */
#include "heap.h"

int main(void)
{
    char *blocks[2][COUNT(heap_sizes)];
    size_t usable[2][COUNT(heap_sizes)];
    for (size_t turn = 0; turn < 5; turn++) {
        for (size_t i = 0; i < COUNT(heap_sizes); i++)
            for (size_t j = 0; j < 2; j++) {
                blocks[j][i] = j ? opaque(memalign(64, heap_sizes[i])) : block(heap_sizes[i]);
                usable[j][i] = malloc_usable_size(blocks[j][i]);
                expect(usable[j][i] >= heap_sizes[i]);
                expect(usable[j][i] <= heap_sizes[i] + PAGE + 64);
                if (is_ours(blocks[j][i]))
                    expect(usable[j][i] < heap_sizes[i] + PAGE);
                memset(blocks[j][i], (int)(i + j + turn), usable[j][i]);
            }
        for (size_t i = 0; i < COUNT(heap_sizes); i++)
            for (size_t j = 0; j < 2; j++) {
                expect(malloc_usable_size(blocks[j][i]) == usable[j][i]);
                expect(is_all(blocks[j][i], usable[j][i], (int)(i + j + turn)));
                free(opaque(blocks[j][i]));
            }
    }
    expect(malloc_usable_size(NULL) == 0);

    char *p = realloc(block(8 * MB), MB);
    memset(p, 1, malloc_usable_size(p));
    p = realloc(p, 2 * MB + 1);
    memset(p, 1, malloc_usable_size(p));
    free(p);
    puts("contents ok");
}
