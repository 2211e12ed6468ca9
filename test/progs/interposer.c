/*
 * A program, or a preload, with its own mmap, munmap and dlsym: each dlsym maps memory first, and
 * what passes through its mmap is counted.
 */
#include <dlfcn.h>

#include "prog.h"

#define EXPORT __attribute__((visibility("default")))

static void *(*next_mmap)(void *, size_t, int, int, int, off_t);
static int (*next_munmap)(void *, size_t);
static size_t nmapped;
static __thread bool within;

static void resolve(void)
{
    within = true;
    next_mmap = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    next_munmap = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "munmap");
    within = false;
}

EXPORT void *mmap(void *addr, size_t nbytes, int prot, int flags, int fd, off_t offset)
{
    if (next_mmap == NULL)
        resolve();
    nmapped++;
    return next_mmap(addr, nbytes, prot, flags, fd, offset);
}

EXPORT int munmap(void *addr, size_t nbytes)
{
    if (next_munmap == NULL)
        resolve();
    return next_munmap(addr, nbytes);
}

__attribute__((noinline)) static void use(void)
{
    if (within)
        return;
    within = true;
    char *p = map(8 * PAGE);
    expect(is_zero(p, 8 * PAGE));
    fill(p, 8 * PAGE, 1);
    unmap(p, 8 * PAGE);
    within = false;
}

/* A tail call: RTLD_NEXT depends on who calls. */
EXPORT void *dlsym(void *handle, const char *name)
{
    static void *(*next)(void *, const char *);
    if (next == NULL)
        next = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    use();
    return next(handle, name);
}

__attribute__((destructor)) static void at_end(void)
{
    expect(nmapped != 0);
}

int main(void)
{
    for (size_t i = 0; i < 20; i++)
        use();
    char *p = map(16 * PAGE);
    expect(is_zero(p, 16 * PAGE));
    fill(p, 16 * PAGE, 2);
    unmap(p, 16 * PAGE);
    puts("contents ok");
}
