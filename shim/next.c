#include "next.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "space.h"

/*
 * dlsym(3) may allocate its error message: a few hundred bytes at most, zeroed, as it may want.
 */
static char buffer[4096] __attribute__((aligned(16))) SELDOM;
static size_t used;
static bool resolving;

static void *from_buffer(size_t nbytes)
{
    size_t at = __atomic_fetch_add(&used, (nbytes + 15) & ~(size_t)15, __ATOMIC_RELAXED);
    return nbytes <= sizeof buffer && at <= sizeof buffer - nbytes ? buffer + at : NULL;
}

static bool is_in_buffer(const void *p)
{
    return (uintptr_t)p - (uintptr_t)buffer < sizeof buffer;
}

/* First calls: resolve, and go on with what was found. Only malloc and calloc can come from dlsym. */
#define FIRST(result, name, parameters, ...)                                                       \
    static result first_##name parameters                                                          \
    {                                                                                              \
        next_resolve();                                                                            \
        return next.name == first_##name ? (result)0 : next.name(__VA_ARGS__);                     \
    }
NEXT_CALLS(FIRST)
#undef FIRST

static void *early_malloc(size_t nbytes)
{
    return from_buffer(nbytes);
}

static void *early_calloc(size_t count, size_t nbytes)
{
    return nbytes == 0 || count <= sizeof buffer / nbytes ? from_buffer(count * nbytes) : NULL;
}

static void (*found_free)(void *);

/* What came from the buffer stays there. */
static void checked_free(void *p)
{
    if (!is_in_buffer(p) && found_free != NULL)
        found_free(p);
}

static void first_free(void *p)
{
    next_resolve();
    checked_free(p);
}

#define INITIAL(result, name, parameters, ...) .name = first_##name,
struct next next = {NEXT_CALLS(INITIAL).free = first_free};
#undef INITIAL

void next_resolve(void)
{
    if (resolving || next.free != first_free)
        return;
    resolving = true;
    next.malloc = early_malloc;
    next.calloc = early_calloc;
    struct next found = next;
    void *symbol;
#define RESOLVE(result, name, parameters, ...)                                                     \
    symbol = dlsym(RTLD_NEXT, #name);                                                              \
    if (symbol != NULL)                                                                            \
        found.name = (result(*) parameters)symbol;
    NEXT_CALLS(RESOLVE)
#undef RESOLVE
    found_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    found.free = used == 0 ? found_free : checked_free;
    next = found;
    resolving = false;
}

bool next_is_glibc(void)
{
    return (void *)next.malloc == dlsym(RTLD_NEXT, "__libc_malloc");
}

bool next_is_preloaded(void)
{
    Dl_info info;
    const char *preloads = secure_getenv("LD_PRELOAD");
    if (preloads == NULL || dladdr((void *)next.malloc, &info) == 0 || info.dli_fname == NULL)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    return strstr(preloads, slash != NULL ? slash + 1 : info.dli_fname) != NULL;
}
