/* Calls that the kernel refuses on mapped memory: with its errno, and without a change. */
#include <fcntl.h>

#include "prog.h"

#define MAP(...) show("mmap" #__VA_ARGS__, mmap __VA_ARGS__ != MAP_FAILED)
#define CALL(...) show(#__VA_ARGS__, (__VA_ARGS__) == 0)

int main(void)
{
    char *p = map_served(16 * PAGE);
    unsigned char residency[16];
    int fd = open("/dev/null", O_RDONLY);
    fill(p, 16 * PAGE, 1);

    MAP((NULL, 0, RW, ANON, -1, 0));
    MAP((NULL, PAGE, RW, ANON, -1, 1));
    MAP((NULL, PAGE, RW, ANON, -1, (off_t)1 << 62));
    MAP((NULL, 2 * PAGE, RW, ANON, -1, -(off_t)PAGE));
    MAP((NULL, PAGE, RW, ANON, 77, 0));
    MAP((NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
    MAP((NULL, PAGE, RW, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    MAP((NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC | MAP_ANONYMOUS, -1, 0));
    MAP((NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
    MAP((NULL, PAGE, RW, MAP_PRIVATE, 77, 0));
    MAP((NULL, PAGE, RW, MAP_SHARED, fd, 0));
    MAP((NULL, SIZE_MAX, RW, ANON, -1, 0));
    MAP((NULL, SIZE_MAX - PAGE, RW, ANON, -1, 0));
    MAP((NULL, (size_t)PTRDIFF_MAX, RW, ANON, -1, 0));
    MAP((NULL, (size_t)1 << 47, RW, ANON, -1, 0));
    MAP((p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    MAP((p + 1, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    MAP((p, 0, RW, ANON | MAP_FIXED, -1, 0));
    MAP((p, SIZE_MAX - 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    MAP((p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));

    CALL(munmap(p, 0));
    CALL(munmap(p + 1, PAGE));
    CALL(munmap(p, SIZE_MAX));
    CALL(munmap(p, SIZE_MAX - 2 * PAGE));
    CALL(munmap(p, (size_t)1 << 47));
    CALL(munmap((void *)-PAGE, PAGE));
    CALL(munmap((void *)-PAGE, 2 * PAGE));

    CALL(mprotect(p, 0, PROT_NONE));
    CALL(mprotect(p + 1, PAGE, PROT_NONE));
    CALL(mprotect(p, PAGE, 0x4000));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
    CALL(mprotect(p, SIZE_MAX, PROT_NONE));
    CALL(mprotect(p, SIZE_MAX - 2 * PAGE, RW));
    CALL(madvise(p, 0, MADV_DONTNEED));
    CALL(madvise(p + 1, PAGE, MADV_DONTNEED));
    CALL(madvise(p, PAGE, 9999));
    CALL(madvise(p, SIZE_MAX, MADV_DONTNEED));
    CALL(posix_madvise(p, PAGE, POSIX_MADV_DONTNEED));
    CALL(mlock(p, SIZE_MAX - 2 * PAGE));
    CALL(mlock2(p, PAGE, 0x80));
    CALL(munlock(p, 0));
    CALL(msync(p, PAGE, 0x80));
    CALL(msync(p, PAGE, MS_ASYNC | MS_SYNC));
    CALL(msync(p + 1, PAGE, MS_SYNC));
    CALL(mincore(p + 1, PAGE, residency));
    CALL(mincore(p, PAGE, (unsigned char *)-1));
    CALL(mincore(p, 0, residency));
    CALL(mincore(p, SIZE_MAX, residency));
    CALL(remap_file_pages(p, PAGE, 0, 0, 0));

    puts(is_filled(p, 16 * PAGE, 1) ? "unchanged" : "changed");
    unmap(p, 16 * PAGE);
    reuse(p, 16 * PAGE);
}
