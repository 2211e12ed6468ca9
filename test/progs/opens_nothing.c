/*
 * Frees much, and from then on every system call that takes a descriptor's number, or frees one, ends
 * the process, in every thread. Prints whether much stays resident.
 */
#include "prog.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#define ENDS(number)                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                                           \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static void forbid_descriptors(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ENDS(SYS_open),
        ENDS(SYS_openat),
        ENDS(SYS_openat2),
        ENDS(SYS_creat),
        ENDS(SYS_close),
        ENDS(SYS_dup),
        ENDS(SYS_fcntl),
        ENDS(SYS_socket),
        ENDS(SYS_pipe2),
        ENDS(SYS_memfd_create),
        ENDS(SYS_clone),
        ENDS(SYS_clone3),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {COUNT(filter), filter};
    expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    expect(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0);
}

static long resident_mb(int statm)
{
    char text[128] = "";
    expect(pread(statm, text, sizeof text - 1, 0) > 0);
    return strtol(strchr(text, ' '), NULL, 10) / 256;
}

int main(void)
{
    char *spans[100];
    int statm = open("/proc/self/statm", O_RDONLY);
    for (size_t i = 0; i < COUNT(spans); i++)
        fill(spans[i] = map(MB), MB, 1);
    for (size_t i = 0; i < COUNT(spans); i++)
        unmap(spans[i], MB);
    forbid_descriptors();
    bool much = resident_mb(statm) > 20;
    nanosleep(&(struct timespec){3, 0}, NULL);
    printf("before: %s, after: %s\n", much ? "much" : "little",
           resident_mb(statm) > 10 ? "much" : "little");
    return 0;
}
