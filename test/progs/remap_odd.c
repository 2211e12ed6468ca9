/* mremap of memory that is not plain: a part is read-only, advised or mapped over. */
#include <fcntl.h>

#include "prog.h"

enum what { READ_ONLY, ADVISED, LOCKED, COVERED, SHARED, WHATS };

static int zeros;

static void odd(enum what what, size_t to)
{
    char *p = map_served(16 * PAGE);
    if (what == SHARED)
        expect(mmap(p, 16 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
    if (what == COVERED)
        expect(mmap(p, 16 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
    fill(p, 16 * PAGE, 1);
    if (what == READ_ONLY)
        expect(mprotect(p, 16 * PAGE, PROT_READ) == 0);
    if (what == ADVISED)
        expect(madvise(p, 16 * PAGE, MADV_DONTDUMP) == 0);
    if (what == LOCKED)
        expect(mlock(p, 16 * PAGE) == 0);
    char *q = mremap(p, 16 * PAGE, to * PAGE, MREMAP_MAYMOVE);
    expect(q != MAP_FAILED);
    expect(is_filled(q, (to < 16 ? to : 16) * PAGE, 1));
    expect(what == SHARED || to <= 16 || is_zero(q + 16 * PAGE, (to - 16) * PAGE));
    if (what == READ_ONLY) /* so is the new tail: the kernel cannot store there */
        expect(read(zeros, q + (to - 1) * PAGE, 1) == -1 && errno == EFAULT);
    expect(q == p || !is_mapped(p, 1));
    if (q != p)
        reuse(p, 16 * PAGE);
    unmap(q, to * PAGE);
    reuse(q, to * PAGE);
}

int main(void)
{
    zeros = open("/dev/zero", O_RDONLY);
    for (enum what what = READ_ONLY; what < WHATS; what++) {
        odd(what, 5);
        odd(what, 16);
        odd(what, 40);
    }
    puts("contents ok");
}
