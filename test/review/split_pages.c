/* THP=auto: parts of huge pages that are purged stay charged to the cgroup (run it in the cgroup v1 memory/rv; see the report). */
#include "../progs/prog.h"
static long machine_kb(const char *name)
{
    FILE *f = fopen("/proc/meminfo", "r"); char line[256]; long kb = 0;
    while (fgets(line, sizeof line, f)) if (strncmp(line, name, strlen(name)) == 0) kb = atol(line + strlen(name));
    fclose(f); return kb;
}
int main(void)
{
    static char *p[800];
    for (int i = 0; i < 800; i++) { p[i] = map(2 * MB); memset(p[i], 1, 2 * MB); }
    long before = machine_kb("MemFree:"), rss = status_kb("VmRSS:");
    for (int i = 0; i < 800; i++) unmap(p[i] + (i % 2) * MB, MB);
    usleep(200000);
    sleep(1); { FILE *f = fopen("/sys/fs/cgroup/memory/rv/memory.usage_in_bytes", "r"); long b = 0; fscanf(f, "%ld", &b); printf("charged %ld MB, RSS %ld MB\n", b >> 20, status_kb("VmRSS:") >> 10); } printf("RSS fell by %ld MB, free memory of the machine rose by %ld MB\n", (rss - status_kb("VmRSS:")) / 1024, (machine_kb("MemFree:") - before) / 1024);
}
