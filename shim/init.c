#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "fault.h"
#include "heap.h"
#include "loader.h"
#include "next.h"
#include "real.h"
#include "route.h"

/* From valgrind/valgrind.h's contract: outside valgrind these rotations do nothing. */
static bool runs_on_valgrind(void)
{
    volatile unsigned long request[6] = {0x1001, 0, 0, 0, 0, 0};
    unsigned long result = 0;
    __asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(result)
                     : "a"(&request[0])
                     : "cc", "memory", "rdi");
    return result != 0;
}

/* Tools that keep books of their own on every page. */
static bool has_sanitizer(void)
{
    static const char *const marks[] = {"__asan_init", "__tsan_init", "__msan_init",
                                        "__hwasan_init"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (dlsym(RTLD_DEFAULT, marks[i]) != NULL)
            return true;
    return false;
}

/* Whether the program is one of the comma-separated names; "" names every program. */
static bool is_named(const char *names)
{
    if (*names == '\0')
        return true;
    size_t length = strlen(program_invocation_short_name);
    for (;; names++) {
        size_t one = strcspn(names, ",");
        if (one == length && strncmp(names, program_invocation_short_name, length) == 0)
            return true;
        names += one;
        if (*names == '\0')
            return false;
    }
}

static bool may_act(void)
{
    return getauxval(AT_SECURE) == 0 && is_named(g_config.only) && !has_sanitizer() &&
           !runs_on_valgrind();
}

__attribute__((constructor)) static void init(void)
{
    int before = errno;
    next_resolve();
    real_resolve();
    loader_resolve();
    config_load_switch();
    if (g_config.enable && may_act() && start_arena()) {
        g_route_max = g_config.max_span;
        if (g_config.guard != 0)
            fault_start();
        if (heap_start())
            loader_start();
        background_start();
    }
    errno = before;
}

static void save_stats(const char *path)
{
    struct message message;
    if (stats_save(path))
        return;
    message_init(&message);
    message_add(&message, "pagearena: cannot write the statistics to ");
    message_add(&message, path);
    message_add(&message, "\n");
    message_write(&message, 2);
}

__attribute__((destructor)) static void fini(void)
{
    const char *stats = g_config.stats;
    if (g_region.nbytes == 0 || *stats == '\0' || strcmp(stats, "0") == 0)
        return;
    if (strcmp(stats, "1") == 0)
        stats_print(NULL, 2);
    else
        save_stats(stats);
}
