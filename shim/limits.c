#include <sys/resource.h>
#include <unistd.h>

#include "heap.h"
#include "real.h"
#include "route.h"

/*
 * A program that lowers its own limits: what the arena has reserved must not be what they hit.
 */
static void prepare(int resource, const struct rlimit *wanted)
{
    if (wanted == NULL || g_route_max == 0 || wanted->rlim_cur == RLIM_INFINITY)
        return;
    if (resource == RLIMIT_AS)
        space_trim();
    if (resource == RLIMIT_DATA) {
        g_route_max = 0;
        space_suspend();
        heap_stop();
    }
}

EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *wanted)
{
    prepare((int)resource, wanted);
    return real.setrlimit((int)resource, wanted);
}

EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *wanted)
{
    prepare((int)resource, (const struct rlimit *)wanted);
    return real.setrlimit((int)resource, (const struct rlimit *)wanted);
}

static int change(pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *before)
{
    if (pid == 0 || pid == os_process_id())
        prepare(resource, wanted);
    return real.prlimit64(pid, resource, wanted, before);
}

EXPORT int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *wanted,
                   struct rlimit *before)
{
    return change(pid, (int)resource, wanted, before);
}

EXPORT int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *wanted,
                     struct rlimit64 *before)
{
    return change(pid, (int)resource, (const struct rlimit *)wanted, (struct rlimit *)before);
}
