/*
 * Runs a program in an environment that a shell cannot make.
 *
 * usage: launch thp-never PROGRAM ...            no huge pages in this process and its children
 *        launch allow N,N,... PROGRAM ...        system calls of other numbers kill (seccomp)
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NUMBERS 512

static int allow(char *list)
{
    static struct sock_filter code[2 * NUMBERS + 2];
    unsigned short n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (char *number = strtok(list, ","); number != NULL && n < 2 * NUMBERS;
         number = strtok(NULL, ",")) {
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(number), 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {n, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

int main(int argc, char **argv)
{
    int first = 2;
    int done = 0;
    if (argc > 2 && strcmp(argv[1], "thp-never") == 0)
        done = prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0;
    if (argc > 3 && strcmp(argv[1], "allow") == 0) {
        done = allow(argv[2]);
        first = 3;
    }
    if (done)
        execvp(argv[first], argv + first);
    perror(argv[0]);
    return 125;
}
