/* seccomp: what the library asks for besides the basics is refused with EPERM. Nothing may change for the program. */
#include "../progs/prog.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#define REFUSE(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
int main(void)
{
    struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        REFUSE(SYS_process_vm_readv), REFUSE(SYS_open), REFUSE(SYS_clock_gettime), REFUSE(SYS_mincore), REFUSE(SYS_sysinfo), REFUSE(SYS_prctl),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog prog = {COUNT(f), f};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    expect(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
    for (int round = 0; round < 30; round++) {
        char *p[40];
        errno = 0;
        for (int i = 0; i < 40; i++) { size_t n = (size_t)(i * 37 % 11 + 1) * 300 * 1024; p[i] = map(n); expect(is_zero(p[i], n)); fill(p[i], n, i); }
        for (int i = 0; i < 40; i++) { size_t n = (size_t)(i * 37 % 11 + 1) * 300 * 1024; expect(is_filled(p[i], n, i)); unmap(p[i], n); }
        expect(errno == 0);
    }
    puts("ok");
}
