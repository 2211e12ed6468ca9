/* MAP_FIXED_NOREPLACE: succeeds over what the program has unmapped, EEXIST over live pages. */
#include "prog.h"

static bool lay(char *at, size_t npages)
{
    char *got = mmap(at, npages * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    expect(got == MAP_FAILED || got == at);
    return got == at;
}

static void size(size_t npages)
{
    char *p = map_served(npages * PAGE);
    fill(p, npages * PAGE, 1);
    show("live", lay(p, npages));
    expect(is_filled(p, npages * PAGE, 1));
    unmap(p, npages * PAGE);
    show("unmapped", lay(p, npages));
    expect(is_zero(p, npages * PAGE));
    fill(p, npages * PAGE, 2);
    show("again", lay(p, npages));
    expect(is_filled(p, npages * PAGE, 2));
    if (npages > 3) {
        unmap(p + PAGE, 2 * PAGE);
        show("half live", lay(p + 2 * PAGE, 2));
        expect(!is_mapped(p + PAGE, 1) && !is_mapped(p + 2 * PAGE, 1));
        show("hole", lay(p + PAGE, 2));
        expect(is_zero(p + PAGE, 2 * PAGE));
        expect(is_filled(p + 3 * PAGE, (npages - 3) * PAGE, 5));
    }
    unmap(p, npages * PAGE);
    reuse(p, npages * PAGE);
}

int main(void)
{
    size(1);
    size(4);
    size(16);
    size(100);
}
