/*
 * A preload that defines mmap and its kin as system calls made by syscall(2), as tcmalloc does; and, as a
 * program, one that uses all of them.
 */
#include <stdarg.h>
#include <sys/syscall.h>

#include "prog.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *mmap(void *addr, size_t nbytes, int prot, int flags, int fd, off_t offset)
{
    return (void *)syscall(SYS_mmap, addr, nbytes, prot, flags, fd, offset);
}

EXPORT int munmap(void *addr, size_t nbytes)
{
    return (int)syscall(SYS_munmap, addr, nbytes);
}

EXPORT void *mremap(void *addr, size_t before, size_t nbytes, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    void *to = va_arg(rest, void *);
    va_end(rest);
    return (void *)syscall(SYS_mremap, addr, before, nbytes, flags, to);
}

EXPORT int mprotect(void *addr, size_t nbytes, int prot)
{
    return (int)syscall(SYS_mprotect, addr, nbytes, prot);
}

int main(void)
{
    for (size_t n = 1; n <= 512; n *= 2) {
        char *p = map(n * PAGE);
        expect(is_zero(p, n * PAGE));
        fill(p, n * PAGE, 1);
        expect(mprotect(p, PAGE, PROT_READ) == 0 && mprotect(p, PAGE, RW) == 0);
        char *moved = mremap(p, n * PAGE, 3 * n * PAGE, MREMAP_MAYMOVE);
        expect(moved != MAP_FAILED && is_filled(moved, n * PAGE, 1));
        expect(is_zero(moved + n * PAGE, 2 * n * PAGE));
        expect(mmap(moved, PAGE, RW, ANON | MAP_FIXED, -1, 0) == moved && is_zero(moved, PAGE));
        unmap(moved, 3 * n * PAGE);
        errno = 0;
        expect(mmap(NULL, 0, RW, ANON, -1, 0) == MAP_FAILED && errno == EINVAL);
    }
    puts("contents ok");
}
