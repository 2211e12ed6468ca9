/*
 * Blocks from before the front is up. As a program nothing special; as a shared library, whose
 * constructor runs first or last, what heap.bats wants to see.
 */
#include "heap.h"

#define NSIZES (COUNT(heap_sizes) - 2)

static char *early[NSIZES], *late[NSIZES];

/* block() would want to know who serves it, and that depends on whose constructor came first. */
static char *any_block(size_t i)
{
    char *p = opaque(malloc(heap_sizes[i]));
    expect(p != NULL && is_aligned(p, 16) && malloc_usable_size(p) >= heap_sizes[i]);
    fill(p, heap_sizes[i], i);
    return p;
}

static void use(void)
{
    for (size_t i = 0; i < NSIZES; i++) {
        char *p = any_block(i), *q = calloc(1, heap_sizes[i] + 1), *r = memalign(MB, heap_sizes[i]);
        expect(is_zero(q, heap_sizes[i] + 1) && is_aligned(r, MB));
        memset(q, 1, opaque(heap_sizes[i]));
        fill(r, heap_sizes[i], i);
        expect((q = realloc(q, 2 * heap_sizes[i] + 1)) && is_all(q, heap_sizes[i], 1));
        check_and_free(r, heap_sizes[i], i);
        check_and_free(p, heap_sizes[i], i);
        free(q);
    }
}

__attribute__((constructor)) static void at_start(void)
{
    use();
    for (size_t i = 0; i < NSIZES; i++)
        early[i] = any_block(i);
}

/* Half of the early blocks are freed, half are grown, once everything is up. */
static void change(void)
{
    for (size_t i = 0; i < NSIZES; i++) {
        late[i] = any_block(i);
        expect(is_filled(early[i], heap_sizes[i], i));
        if (i % 2) {
            free(early[i]);
            early[i] = any_block(i);
        } else {
            expect((early[i] = realloc(early[i], heap_sizes[i] + 100 * PAGE)) != NULL);
            fill(early[i], heap_sizes[i], i);
        }
    }
}

__attribute__((destructor)) static void at_end(void)
{
    use();
    if (late[0] == NULL)
        change();
    for (size_t i = 0; i < NSIZES; i++) {
        check_and_free(late[i], heap_sizes[i], i);
        check_and_free(early[i], heap_sizes[i], i);
    }
    use();
}

int main(void)
{
    use();
    change();
    puts("contents ok");
}
