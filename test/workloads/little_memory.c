/*
 * To preload: makes sysinfo(2) tell of little free memory, for programs that take a share of it.
 */
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define FREE_BYTES (256ul << 20)

int sysinfo(struct sysinfo *info)
{
    if (syscall(SYS_sysinfo, info) != 0)
        return -1;
    info->freeram = FREE_BYTES / info->mem_unit;
    return 0;
}
