/* free keeps errno, of every kind of block and of none; so does every call that succeeds. */
#include "heap.h"

static void freed(void *p)
{
    errno = EXDEV;
    free(opaque(p));
    expect(errno == EXDEV);
}

int main(void)
{
    freed(NULL);
    for (size_t turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < COUNT(heap_sizes); i++) {
            void *many[4];
            errno = EXDEV;
            freed(block(heap_sizes[i]));
            freed(calloc(1, heap_sizes[i]));
            freed(memalign(2 * MB, heap_sizes[i]));
            freed(valloc(heap_sizes[i]));
            for (size_t j = 0; j < COUNT(many); j++)
                many[j] = block(heap_sizes[i]);
            for (size_t j = 0; j < COUNT(many); j++)
                freed(many[j]);
            errno = EXDEV;
            char *p = block(heap_sizes[i]);
            p = opaque(realloc(p, heap_sizes[i] + MB));
            malloc_usable_size(p);
            expect(p != NULL && errno == EXDEV);
            freed(p);
        }
    errno = EXDEV;
    malloc_trim(0);
    show("malloc_trim", false);

    /* A block whose pages the kernel has been told things about. */
    char *p = memalign(PAGE, 64 * PAGE);
    fill(p, 64 * PAGE, 1);
    expect(mprotect(p + PAGE, PAGE, PROT_READ) == 0 && mprotect(p + PAGE, PAGE, RW) == 0);
    expect(madvise(p + 4 * PAGE, PAGE, MADV_DONTFORK) == 0);
    expect(madvise(p + 4 * PAGE, PAGE, MADV_DOFORK) == 0);
    freed(p);
    puts("kept");
}
