/* MAP_FIXED across several spans and the free pages between them, and far above what is in use. */
#include "prog.h"

int main(void)
{
    char *spans[64];
    for (size_t i = 0; i < COUNT(spans); i++)
        fill(spans[i] = map_served(8 * PAGE), 8 * PAGE, i);
    for (size_t i = 1; i < COUNT(spans); i += 2)
        unmap(spans[i], 8 * PAGE);

    char *low = spans[20], *high = spans[20];
    for (size_t i = 20; i < 40; i += 2) {
        low = spans[i] < low ? spans[i] : low;
        high = spans[i] > high ? spans[i] : high;
    }
    size_t nbytes = (size_t)(high - low) + 8 * PAGE;
    expect(nbytes < MB);
    expect(mmap(low, nbytes, RW, ANON | MAP_FIXED, -1, 0) == low);
    expect(is_zero(low, nbytes));
    fill(low, nbytes, 1);
    for (size_t i = 0; i < COUNT(spans); i += 2)
        expect((spans[i] >= low && spans[i] <= high) || is_filled(spans[i], 8 * PAGE, i));
    unmap(low, nbytes);
    reuse(low, nbytes);

    /* Where nothing has ever been: below the program's own mappings, or above the arena's. */
    char *far = is_ours(low) ? low + 20 * MB : low - 20 * MB;
    far = (char *)((uintptr_t)far & -PAGE);
    expect(mmap(far, 40 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == far);
    fill(far, 40 * PAGE, 1);
    for (int round = 0; round < 2; round++) {
        char *big[12];
        for (size_t i = 0; i < COUNT(big); i++)
            expect(is_zero(big[i] = map(3 * MB), 3 * MB));
        for (size_t i = 0; i < COUNT(big); i++) {
            fill(big[i], 3 * MB, i);
            expect(big[i] >= far + 40 * PAGE || big[i] + 3 * MB <= far);
        }
        for (size_t i = 0; i < COUNT(big); i++)
            unmap(big[i], 3 * MB);
    }
    expect(is_filled(far, 40 * PAGE, 1));
    unmap(far, 40 * PAGE);
    expect(!is_mapped(far, 1));
    expect(is_zero(map_served(40 * PAGE), 40 * PAGE));
    puts("contents ok");
}
