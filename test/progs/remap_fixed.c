/* mremap with MREMAP_FIXED: out of the arena, into its unmapped pages, over its live pages. */
#include "prog.h"

#define N ((size_t)16)

/* Moves the N pages of p to q, where they become `to` pages. */
static void move(char *p, char *q, size_t to)
{
    fill(p, N * PAGE, 1);
    expect(mremap(p, N * PAGE, to * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
    expect(is_filled(q, (to < N ? to : N) * PAGE, 1));
    expect(to <= N || is_zero(q + N * PAGE, (to - N) * PAGE));
    expect(!is_mapped(p, 1) && !is_mapped(p + (N - 1) * PAGE, 1));
    fill(q, to * PAGE, 2);
    reuse(p, N * PAGE);
    expect(is_filled(q, to * PAGE, 2));
    unmap(q, to * PAGE);
    expect(!is_mapped(q, 1));
    if (is_ours(q))
        reuse(q, to * PAGE);
}

static char *outside(size_t npages)
{
    char *p = mmap(NULL, npages * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect(p != MAP_FAILED);
    return mmap(p, npages * PAGE, RW, ANON | MAP_FIXED, -1, 0); /* plain, and nobody's cache */
}

int main(void)
{
    static const size_t sizes[] = {1, N, N + 5};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t to = sizes[i], rest = (2 * N - to) * PAGE;
        char *p = map_served(N * PAGE), *q = outside(2 * N);
        move(p, q, to); /* over live pages outside */
        unmap(q + to * PAGE, rest);

        p = map_served(N * PAGE), q = outside(2 * N);
        unmap(q, 2 * N * PAGE);
        move(p, q, to); /* onto nothing outside */

        p = map_served(N * PAGE), q = map_served((2 * N + 1) * PAGE);
        fill(q, (2 * N + 1) * PAGE, 7);
        move(p, q + PAGE, to); /* over live pages of ours */
        expect(is_filled(q, PAGE, 7));
        expect(is_filled(q + PAGE + to * PAGE, rest, 7 + 1 + to));
        unmap(q, PAGE);
        unmap(q + PAGE + to * PAGE, rest);

        p = map_served(N * PAGE), q = map_served(2 * N * PAGE);
        unmap(q, 2 * N * PAGE);
        move(p, q, to); /* into unmapped pages of ours */

        p = outside(N), q = map_served(2 * N * PAGE);
        fill(q, 2 * N * PAGE, 7);
        move(p, q, to); /* from outside, over live pages */
        expect(is_filled(q + to * PAGE, rest, 7 + to));
        unmap(q + to * PAGE, rest);

        p = outside(N), q = map_served(2 * N * PAGE);
        unmap(q, 2 * N * PAGE);
        move(p, q, to); /* from outside, into unmapped pages */
    }
    puts("contents ok");
}
