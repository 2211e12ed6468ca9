/*
 * munmap of the head, the tail or the middle of a span: the rest stays, what is gone is reusable.
 */
#include "prog.h"

static void part(size_t npages, size_t from, size_t to)
{
    char *p = map_served(npages * PAGE);
    fill(p, npages * PAGE, 7);
    unmap(p + from * PAGE, (to - from) * PAGE);
    expect(!is_mapped(p + from * PAGE, 1) && !is_mapped(p + (to - 1) * PAGE, 1));
    expect(from == 0 || is_mapped(p, from));
    expect(to == npages || is_mapped(p + to * PAGE, npages - to));
    if (npages <= 100)
        reuse(p + from * PAGE, (to - from) * PAGE);
    char *other = map_served((to - from) * PAGE);
    expect(is_zero(other, (to - from) * PAGE));
    fill(other, (to - from) * PAGE, 99);
    expect(is_filled(p, from * PAGE, 7));
    expect(is_filled(p + to * PAGE, (npages - to) * PAGE, 7 + to));
    unmap(other, (to - from) * PAGE);
    unmap(p, npages * PAGE);
}

int main(void)
{
    static const size_t npages[] = {2, 3, 16, 17, 32, 33, 64, 100, 512, 700, 2048};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(npages); i++) {
            size_t n = npages[i];
            part(n, 0, 1);
            part(n, 0, n / 2);
            part(n, 0, n);
            part(n, n / 2, n);
            part(n, n - 1, n);
            part(n, n / 3, n / 3 + 1);
            part(n, n / 4, n - n / 4);
        }

    /* Page by page, backwards and crosswise. */
    char *p = map_served(64 * PAGE);
    fill(p, 64 * PAGE, 1);
    for (size_t i = 0; i < 64; i++) {
        size_t page = i * 27 % 64;
        expect(is_filled(p + page * PAGE, PAGE, 1 + page));
        unmap(p + page * PAGE, 1);
    }
    reuse(p, 64 * PAGE);
    puts("contents ok");
}
