/* mremap to a smaller size: same place, head kept, tail unmapped. */
#include "prog.h"

static void shrink(size_t npages, size_t to, int flags)
{
    char *p = map_served(npages * PAGE);
    fill(p, npages * PAGE, 1);
    expect(mremap(p, npages * PAGE, to * PAGE, flags) == p);
    expect(is_filled(p, to * PAGE, 1));
    expect(is_mapped(p, to) && (to == npages || !is_mapped(p + to * PAGE, 1)));
    reuse(p + to * PAGE, (npages - to) * PAGE);
    expect(is_filled(p, to * PAGE, 1));
    expect(mremap(p, to * PAGE, (to - 1) * PAGE + 1, flags) == p);
    unmap(p, to * PAGE);
    reuse(p, npages * PAGE);
}

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 32, 33, 100, 200};
    for (size_t i = 0; i < COUNT(npages); i++)
        for (int flags = 0; flags <= MREMAP_MAYMOVE; flags++) {
            shrink(npages[i], 1, flags);
            shrink(npages[i], (npages[i] + 1) / 2, flags);
            shrink(npages[i], npages[i], flags);
        }
    puts("contents ok");
}
