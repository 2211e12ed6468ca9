/*
 * mremap of advised memory that the kernel moves in pieces, and refuses half-way: as a preload, this
 * file is that kernel. MREMAP_FAILS tells which calls of mremap fail, bit by bit; MREMAP_OLD: their
 * targets are unmapped, as before Linux 6.17.
 *
 * usage: remap_half_way fixed|anywhere [back]
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "prog.h"

#if defined __PIC__ && !defined __PIE__
typedef void *remap(void *, size_t, size_t, int, ...);

__attribute__((visibility("default"))) void *mremap(void *addr, size_t old, size_t new, int flags,
                                                    ...)
{
    static unsigned calls;
    unsigned fails = (unsigned)strtoul(getenv("MREMAP_FAILS"), NULL, 0);
    va_list rest;
    va_start(rest, flags);
    void *to = va_arg(rest, void *);
    va_end(rest);
    bool old_kernel = getenv("MREMAP_OLD") != NULL && (flags & MREMAP_FIXED) != 0;
    expect(!old_kernel || is_ours(to) || is_mapped(to, new / PAGE));
    if ((fails >> calls++ & 1) == 0)
        return ((remap *)dlsym(RTLD_NEXT, "mremap"))(addr, old, new, flags, to);
    if (old_kernel)
        syscall(SYS_munmap, to, new);
    errno = EFAULT;
    return MAP_FAILED;
}
#endif

int main(int argc, char **argv)
{
    bool fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
    char *p = map_served(16 * PAGE);
    char *to = mmap(NULL, 32 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect(to != MAP_FAILED && !is_ours(to));
    fill(p, 16 * PAGE, 1);
    expect(madvise(p, 16 * PAGE, MADV_DONTDUMP) == 0);
    expect(mremap(p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE | (fixed ? MREMAP_FIXED : 0), to) ==
           MAP_FAILED);
    if (argc > 2)
        expect(is_filled(p, 16 * PAGE, 1) && is_mapped(p, 16));
    unmap(p, 16 * PAGE);
    reuse(p, 16 * PAGE);
    puts("ok");
}
