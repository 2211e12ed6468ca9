/*
 * MADV_DONTNEED: zero afterwards. MADV_FREE: zero or the old contents, and what is written then
 * stays.
 */
#include "prog.h"

static void cycle(size_t npages)
{
    size_t nbytes = npages * PAGE, half = (npages + 1) / 2 * PAGE;
    char *p = map_served(nbytes);
    fill(p, nbytes, 1);
    expect(madvise(p, half, MADV_DONTNEED) == 0);
    expect(is_zero(p, half) && is_filled(p + half, nbytes - half, 1 + half / PAGE));
    fill(p, half, 2);
    expect(madvise(p, nbytes, MADV_FREE) == 0);
    for (size_t at = 0; at < nbytes; at += PAGE)
        expect(is_zero(p + at, PAGE) || is_filled(p + at, PAGE, (at < half ? 2 : 1) + at / PAGE));
    fill(p, half, 3);
    expect(is_filled(p, half, 3));
    unmap(p, nbytes);
    char *q = map_served(nbytes);
    expect(is_zero(q, nbytes));
    fill(q, nbytes, 4);
    expect(madvise(q, nbytes, MADV_DONTNEED) == 0);
    unmap(q, nbytes); /* discarded as a whole, and written once more in part */
    q = map_served(nbytes);
    expect(is_zero(q, nbytes));
    expect(madvise(q, nbytes, MADV_FREE) == 0);
    unmap(q, nbytes);
    reuse(q, nbytes);
}

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 32, 40, 100, 512, 1000, 2048};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(npages); i++)
            cycle(npages[i]);
    puts("contents ok");
}
