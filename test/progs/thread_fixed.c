/* MAP_FIXED, protection and unmapping by one thread beside others that map at full speed. */
#include "busy_threads.h"

int main(void)
{
    start_busy_threads();
    for (size_t turn = 0; turn < 500; turn++) {
        char *p = map_served(24 * PAGE);
        expect(is_zero(p, 24 * PAGE));
        fill(p, 24 * PAGE, 1);
        expect(mmap(p + 4 * PAGE, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 4 * PAGE);
        expect(mprotect(p + 16 * PAGE, 4 * PAGE, PROT_READ) == 0);
        expect(is_zero(p + 4 * PAGE, 8 * PAGE));
        fill(p + 4 * PAGE, 8 * PAGE, 5);
        char *q = mremap(p, 4 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
        expect(q != MAP_FAILED && is_filled(q, 4 * PAGE, 1) && is_zero(q + 4 * PAGE, 36 * PAGE));
        expect(is_filled(p + 4 * PAGE, 20 * PAGE, 5));
        unmap(q, 40 * PAGE);
        unmap(p + 4 * PAGE, 20 * PAGE);
    }
    stop_busy_threads();
    puts("contents ok");
}
