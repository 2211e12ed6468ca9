#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>

#include "space.h"

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

#define INITIAL(result, name, parameters, ...) .name = early_##name,
struct real real = {REAL_CALLS(INITIAL)};
#undef INITIAL

void real_resolve(void)
{
    void *found;
#define RESOLVE(result, name, parameters, ...)                                                     \
    found = dlsym(RTLD_NEXT, #name);                                                               \
    if (found != NULL)                                                                             \
        real.name = (result(*) parameters)found;
    REAL_CALLS(RESOLVE)
#undef RESOLVE
}
