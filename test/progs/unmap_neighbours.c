/* One munmap across the end of one span and the start of the next. */
#include "prog.h"

#define SPANS 64

static int by_address(const void *a, const void *b)
{
    char *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right);
}

static size_t across(size_t npages)
{
    char *span[SPANS];
    size_t pairs = 0;
    for (size_t i = 0; i < SPANS; i++)
        span[i] = map_served(npages * PAGE);
    qsort(span, SPANS, sizeof *span, by_address);
    for (size_t i = 0; i < SPANS; i++)
        fill(span[i], npages * PAGE, i);
    for (size_t i = 0; i + 1 < SPANS; i++) {
        if (span[i + 1] != span[i] + npages * PAGE)
            continue;
        size_t half = (npages + 1) / 2;
        char *hole = span[i] + (npages - half) * PAGE;
        unmap(hole, 2 * half * PAGE);
        expect(!is_mapped(hole, 1) && !is_mapped(hole + (2 * half - 1) * PAGE, 1));
        expect(is_filled(span[i], (npages - half) * PAGE, i));
        expect(is_filled(span[i + 1] + half * PAGE, (npages - half) * PAGE, i + 1 + half));
        reuse(hole, 2 * half * PAGE);
        unmap(span[i], 2 * npages * PAGE);
        pairs++;
        i++;
    }
    for (size_t i = 0; i < SPANS; i++)
        unmap(span[i], npages * PAGE);
    return pairs;
}

int main(void)
{
    expect(across(1) != 0);
    expect(across(3) != 0);
    expect(across(16) != 0);
    expect(across(40) != 0);
    puts("contents ok");
}
