/* MREMAP_DONTUNMAP: the contents move, the old place stays mapped and reads zero. */
#include "prog.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void move(size_t npages, char *p, char *to)
{
    int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP | (to != NULL ? MREMAP_FIXED : 0);
    fill(p, npages * PAGE, 1);
    char *q = mremap(p, npages * PAGE, npages * PAGE, flags, to);
    expect(q != MAP_FAILED && q != p && (to == NULL || q == to));
    expect(is_filled(q, npages * PAGE, 1));
    expect(is_mapped(p, npages) && is_zero(p, npages * PAGE));
    fill(p, npages * PAGE, 2);
    expect(is_filled(q, npages * PAGE, 1));
    unmap(q, npages * PAGE);
    expect(is_filled(p, npages * PAGE, 2));
    unmap(p, npages * PAGE);
    reuse(p, npages * PAGE);
    if (is_ours(q))
        reuse(q, npages * PAGE);
}

int main(void)
{
    static const size_t npages[] = {1, 16, 33, 100};
    for (size_t i = 0; i < COUNT(npages); i++) {
        size_t n = npages[i];
        move(n, map_served(n * PAGE), NULL);
        move(n, map_served(n * PAGE), (char *)0x100000000000);
        char *live = map_served(n * PAGE);
        fill(live, n * PAGE, 9);
        move(n, map_served(n * PAGE), live);
        char *p = map_served(n * PAGE);
        char *unmapped = map_served(n * PAGE);
        unmap(unmapped, n * PAGE);
        move(n, p, unmapped);
    }
    puts("contents ok");
}
