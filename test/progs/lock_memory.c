/* munmap of locked memory unlocks it: the count of locked memory is back to what it was. */
#include "prog.h"

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 32, 100, 512};
    for (size_t i = 0; i < COUNT(npages); i++) {
        size_t nbytes = npages[i] * PAGE;
        char *p = map_served(nbytes);
        expect(mlock(p, nbytes) == 0);
        fill(p, nbytes, 1);
        printf("locked: %ld KB\n", status_kb("VmLck:"));
        unmap(p, PAGE);
        printf("head unmapped: %ld KB\n", status_kb("VmLck:"));
        unmap(p, nbytes);
        printf("unmapped: %ld KB\n", status_kb("VmLck:"));
        char *q = map_served(nbytes);
        expect(is_zero(q, nbytes));
        expect(mlock2(q + 123, nbytes - 123, MLOCK_ONFAULT) == 0);
        fill(q, nbytes, 2);
        printf("locked: %ld KB\n", status_kb("VmLck:"));
        expect(madvise(q, nbytes, MADV_DONTNEED) == -1 && errno == EINVAL);
        expect(munlock(q, nbytes) == 0);
        printf("unlocked: %ld KB\n", status_kb("VmLck:"));
        expect(is_filled(q, nbytes, 2));
        expect(mlock(q, nbytes) == 0);
        unmap(q, nbytes);
        reuse(q, nbytes);
        printf("reused: %ld KB\n", status_kb("VmLck:"));
    }
}
