/* munmap of what is unmapped, in full or in part, is success and touches nobody else. */
#include "prog.h"

static void twice(size_t npages)
{
    char *keep = map_served(npages * PAGE);
    char *p = map_served(npages * PAGE);
    fill(keep, npages * PAGE, 3);
    fill(p, npages * PAGE, 5);
    unmap(p, npages * PAGE);
    unmap(p, npages * PAGE);
    unmap(p, PAGE);
    char *a = map_served(npages * PAGE);
    char *b = map_served(npages * PAGE);
    expect(a + npages * PAGE <= b || b + npages * PAGE <= a);
    expect(is_zero(a, npages * PAGE) && is_zero(b, npages * PAGE));
    expect(is_filled(keep, npages * PAGE, 3));
    unmap(a, npages * PAGE);
    unmap(b, npages * PAGE);
    unmap(keep, npages * PAGE);
}

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 17, 32, 64, 512, 600};
    for (size_t i = 0; i < COUNT(npages); i++)
        twice(npages[i]);

    /* Ends that hang over what is unmapped already. */
    char *p = map_served(64 * PAGE);
    fill(p, 64 * PAGE, 1);
    unmap(p + 16 * PAGE, 32 * PAGE);
    unmap(p + 8 * PAGE, 16 * PAGE);
    unmap(p + 40 * PAGE, 16 * PAGE);
    expect(is_filled(p, 8 * PAGE, 1) && is_filled(p + 56 * PAGE, 8 * PAGE, 57));
    expect(!is_mapped(p + 8 * PAGE, 1) && !is_mapped(p + 55 * PAGE, 1));
    unmap(p + 4 * PAGE, 56 * PAGE);
    expect(is_filled(p, 4 * PAGE, 1) && is_filled(p + 60 * PAGE, 4 * PAGE, 61));
    reuse(p + 4 * PAGE, 56 * PAGE);
    unmap(p, 64 * PAGE);
    puts("contents ok");
}
