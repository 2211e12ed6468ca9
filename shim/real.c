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

struct search {
    uintptr_t function;
    struct range library;
};

static int look_at(struct dl_phdr_info *info, size_t nbytes, void *context)
{
    (void)nbytes;
    struct search *search = context;
    struct range range = {UINTPTR_MAX, 0};
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD)
            continue;
        range.start = min_size(range.start, info->dlpi_addr + part->p_vaddr);
        range.end = max_size(range.end, info->dlpi_addr + part->p_vaddr + part->p_memsz);
    }
    if (search->function < range.start || search->function >= range.end)
        return 0;
    search->library = range;
    return 1;
}

/* Not by dladdr(3), which looks at all symbols of the library, too. */
static struct range library_of(const void *function)
{
    struct search search = {(uintptr_t)function, {0, 0}};
    dl_iterate_phdr(look_at, &search);
    return search.library;
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
