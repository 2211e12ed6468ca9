/*
 * mremap to a larger size with MAYMOVE: contents kept, the new tail is zero, the old place is
 * free.
 */
#include "prog.h"

static void grow(size_t npages, size_t to, bool blocked)
{
    char *p = map_served(npages * PAGE);
    char *neighbours[12];
    for (size_t i = 0; blocked && i < COUNT(neighbours); i++)
        memset(neighbours[i] = map_served(npages * PAGE), 'n', npages * PAGE);
    fill(p, npages * PAGE, 1);
    char *q = mremap(p, npages * PAGE - 5, to * PAGE - 7, MREMAP_MAYMOVE);
    expect(q != MAP_FAILED);
    expect(is_filled(q, npages * PAGE, 1));
    expect(is_zero(q + npages * PAGE, (to - npages) * PAGE));
    fill(q, to * PAGE, 2);
    if (q + to * PAGE <= p || q >= p + npages * PAGE) {
        expect(!is_mapped(p, 1));
        reuse(p, npages * PAGE);
    }
    for (size_t i = 0; blocked && i < COUNT(neighbours); i++) {
        expect(is_all(neighbours[i], npages * PAGE, 'n'));
        unmap(neighbours[i], npages * PAGE);
    }
    expect(is_filled(q, to * PAGE, 2));
    unmap(q, to * PAGE);
    expect(!is_mapped(q, 1));
}

/* As realloc does: on and on, past what the arena serves. */
static void grow_on_and_on(void)
{
    size_t npages = 1;
    char *p = map_served(PAGE);
    fill(p, PAGE, 1);
    while (npages < 12000) {
        size_t more = npages + npages / 2 + 1;
        p = mremap(p, npages * PAGE, more * PAGE, MREMAP_MAYMOVE);
        expect(p != MAP_FAILED && is_zero(p + npages * PAGE, (more - npages) * PAGE));
        fill(p + npages * PAGE, (more - npages) * PAGE, 1 + npages);
        npages = more;
    }
    expect(is_filled(p, npages * PAGE, 1));
    expect(mremap(p, npages * PAGE, PAGE, MREMAP_MAYMOVE) == p);
    expect(is_filled(p, PAGE, 1));
    unmap(p, PAGE);
}

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 32, 33, 100};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(npages); i++) {
            grow(npages[i], npages[i] + 1, round == 0);
            grow(npages[i], npages[i] * 2, round == 1);
            grow(npages[i], npages[i] * 10, true);
        }
    grow(512, 1024, false);
    grow(512, 513, true);
    grow_on_and_on();
    grow_on_and_on();
    puts("contents ok");
}
