/* A call that succeeds leaves errno as it was. */
#include "prog.h"

#define KEEPS(call)                                                                                \
    do {                                                                                           \
        errno = 1234;                                                                              \
        expect((long)(call) != -1);                                                                \
        expect(errno == 1234);                                                                     \
    } while (0)

static void round_of(size_t nbytes)
{
    unsigned char residency[512];
    char *p, *q;
    KEEPS(p = mmap(NULL, nbytes, RW, ANON, -1, 0));
    memset(p, 1, nbytes);
    KEEPS(mprotect(p, PAGE, PROT_READ));
    KEEPS(madvise(p, PAGE, MADV_DONTNEED));
    KEEPS(posix_madvise(p, PAGE, 9999));
    KEEPS(mlock(p, PAGE));
    KEEPS(munlock(p, PAGE));
    KEEPS(msync(p, nbytes, MS_SYNC));
    KEEPS(mincore(p, nbytes, residency));
    KEEPS(mprotect(p, PAGE, RW));
    KEEPS(q = mremap(p, nbytes, 2 * nbytes, MREMAP_MAYMOVE));
    KEEPS(mremap(q, 2 * nbytes, nbytes, 0));
    KEEPS(mmap(q, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    KEEPS(munmap(q, PAGE));
    KEEPS(mmap(q, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    KEEPS(munmap(q, nbytes));
    KEEPS(munmap(q, nbytes));
}

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 32, 100, 512};
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT(npages); i++)
            round_of(npages[i] * PAGE);
    puts("errno kept");
}
