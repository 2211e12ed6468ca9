#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "space.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* A system call's result as libc gives it. */
static long answer(long result)
{
    if ((unsigned long)result <= -4096UL)
        return result;
    errno = (int)-result;
    return -1;
}

#define CALL(number, a, b, c, d, e, f, ...)                                                        \
    answer(os_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
#define CALL_PADDED(...) CALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

#define EARLY(result, name, parameters, ...)                                                       \
    static result early_##name parameters                                                          \
    {                                                                                              \
        return (result)CALL_PADDED(SYS_##name, __VA_ARGS__);                                       \
    }
REAL_CALLS(EARLY)
#undef EARLY

static long early_syscall(long number, ...)
{
    va_list rest;
    long arguments[6];
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(rest, long);
    va_end(rest);
    return CALL(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5], 0);
}

#define INITIAL(result, name, parameters, ...) .name = early_##name,
struct real real = {REAL_CALLS(INITIAL).syscall = early_syscall};
#undef INITIAL

/* The libraries behind us that define what we define: each mapping call may have its own. */
#define BEHIND_MOST 4
static struct range behind[BEHIND_MOST];

static struct range library_of(const void *function)
{
    Dl_info info;
    struct range library = {0, 0};
    if (dladdr(function, &info) == 0)
        return library;
    const ElfW(Ehdr) *header = info.dli_fbase;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)((const char *)header + header->e_phoff);
    library = range_of(header, 0);
    for (size_t i = 0; i < header->e_phnum; i++)
        if (part[i].p_type == PT_LOAD)
            library.end = max_size(library.end, library.start + part[i].p_vaddr + part[i].p_memsz);
    return library;
}

bool real_is_behind(const void *caller)
{
    for (size_t i = 0; i < BEHIND_MOST; i++)
        if ((uintptr_t)caller - behind[i].start < behind[i].end - behind[i].start)
            return true;
    return false;
}

void real_resolve(void)
{
    void *found;
#define RESOLVE(result, name, parameters, ...)                                                     \
    found = dlsym(RTLD_NEXT, #name);                                                               \
    if (found != NULL)                                                                             \
        real.name = (result(*) parameters)found;
    REAL_CALLS(RESOLVE)
#undef RESOLVE
    found = dlsym(RTLD_NEXT, "syscall");
    if (found != NULL)
        real.syscall = (long (*)(long, ...))found;
    behind[0] = library_of((void *)real.mmap);
    behind[1] = library_of((void *)real.munmap);
    behind[2] = library_of((void *)real.mremap);
    behind[3] = library_of((void *)real.mprotect);
}
