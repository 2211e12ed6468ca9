#include "cgroup.h"

#include <string.h>

#include "os.h"

/* No limit is a word in version 2, and in version 1 a number that no machine has. */
#define LIMIT_MOST ((size_t)1 << 60)

#define PATH_BYTES 512
#define TEXT_BYTES 4096

static const struct version {
    const char *mark; /* before the path of the group in /proc/self/cgroup */
    const char *root;
    const char *limit, *usage;
} versions[] = {
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes"},
    {"0::", "/sys/fs/cgroup", "/memory.max", "/memory.current"},
};
#define NVERSIONS (sizeof versions / sizeof *versions)

static bool append(char *path, const char *text, size_t length)
{
    size_t before = strlen(path);
    if (before + length >= PATH_BYTES)
        return false;
    memcpy(path + before, text, length);
    path[before + length] = '\0';
    return true;
}

/* The file of a group, or of the root that a namespace or a container shows instead of it. */
static size_t read_file(const struct version *version, const char *group, size_t length,
                        const char *name, char *text)
{
    char path[PATH_BYTES] = "";
    if (append(path, version->root, strlen(version->root)) && append(path, group, length) &&
        append(path, name, strlen(name)) && os_read_file(path, text, TEXT_BYTES) != 0)
        return strlen(text);
    return length != 0 ? read_file(version, group, 0, name, text) : 0;
}

static size_t number_in(const char *text)
{
    size_t number = 0;
    if (*text < '0' || *text > '9')
        return SIZE_MAX;
    for (; *text >= '0' && *text <= '9' && number < LIMIT_MOST; text++)
        number = number * 10 + (size_t)(*text - '0');
    return number;
}

static struct cgroup_memory read_memory(const struct version *version, const char *group,
                                        char *text)
{
    static const char reclaimable[] = "\ninactive_file ";
    struct cgroup_memory memory = {SIZE_MAX, SIZE_MAX};
    char name[PATH_BYTES];
    size_t length = min_size(strcspn(group, "\n"), PATH_BYTES - 1);
    memcpy(name, group, length);
    length = length == 1 ? 0 : length;
    if (read_file(version, name, length, version->limit, text) == 0 ||
        number_in(text) >= LIMIT_MOST)
        return memory;
    memory.limit = number_in(text);
    size_t usage =
        read_file(version, name, length, version->usage, text) != 0 ? number_in(text) : 0;
    read_file(version, name, length, "/memory.stat", text);
    const char *found = strstr(text, reclaimable);
    size_t inactive = found != NULL ? number_in(found + sizeof reclaimable - 1) : 0;
    usage -= min_size(inactive, usage);
    memory.left = memory.limit - min_size(usage, memory.limit);
    return memory;
}

struct cgroup_memory cgroup_memory(void)
{
    static char text[TEXT_BYTES] SELDOM;
    static bool busy;
    struct cgroup_memory memory = {SIZE_MAX, SIZE_MAX};
    if (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        return memory;
    os_read_file("/proc/self/cgroup", text, sizeof text);
    for (size_t i = 0; i < NVERSIONS; i++) {
        const char *group = strstr(text, versions[i].mark);
        if (group == NULL)
            continue;
        memory = read_memory(&versions[i], group + strlen(versions[i].mark), text);
        break;
    }
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return memory;
}
