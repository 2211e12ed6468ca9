/*
 * munmap of ranges that reach far beyond what the program has there. Where the arena lives no
 * program has anything, so that all of it may be unmapped.
 */
#include "prog.h"

#define LOW ((char *)0x200000000000)
#define HIGH ((char *)0x400000000000)

static void work(void)
{
    static const size_t npages[] = {1, 3, 16, 32, 100, 512, 4096};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(npages); i++) {
            char *p = map_served(npages[i] * PAGE);
            expect(is_zero(p, npages[i] * PAGE));
            fill(p, npages[i] * PAGE, i);
            unmap(p, npages[i] * PAGE);
        }
}

int main(void)
{
    unmap(LOW, (size_t)(HIGH - LOW));
    work();
    unmap(LOW, (size_t)(HIGH - LOW)); /* nothing but free pages */
    work();

    char *p = map_served(100 * PAGE);
    char *q = map_served(100 * PAGE);
    fill(p, 100 * PAGE, 1);
    unmap(p + 50 * PAGE, 50 * PAGE);
    if (is_ours(p)) { /* everything, but for the first half of p */
        unmap(LOW, (size_t)(p - LOW));
        unmap(p + 50 * PAGE, (size_t)(HIGH - p) - 50 * PAGE);
        expect(!is_mapped(q, 1));
    }
    expect(is_filled(p, 50 * PAGE, 1));
    work();
    expect(is_filled(p, 50 * PAGE, 1));
    unmap(LOW, (size_t)(HIGH - LOW));
    work();
    puts("contents ok");
}
