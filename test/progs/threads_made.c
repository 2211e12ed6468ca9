/*
 * How many threads does a program of one have: at its start, after its first use of much memory, and
 * in the child of a fork? Does one of them wake up all the time? With an argument, no more threads
 * can be made.
 */
#include "prog.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

static void use(void)
{
    char *p = map(2 * MB);
    fill(p, 2 * MB, 1);
    errno = 0;
    unmap(p, 2 * MB);
    expect(errno == 0);
}

/* How often has a thread gone to sleep? */
static long sleeps(const char *id)
{
    char path[300], line[256];
    long count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", id);
    FILE *file = fopen(path, "r");
    expect(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        sscanf(line, "voluntary_ctxt_switches: %ld", &count);
    fclose(file);
    return count;
}

static void print_threads(const char *when)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    long most = 0;
    expect(tasks != NULL);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        if (*entry->d_name == '.')
            continue;
        count++;
        if (atoi(entry->d_name) != getpid() && sleeps(entry->d_name) > most)
            most = sleeps(entry->d_name);
    }
    closedir(tasks);
    printf("%s: %d%s\n", when, count, most > 50 ? ", restless" : "");
    fflush(stdout);
}

static void forbid_threads(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {COUNT(filter), filter};
    expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    expect(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void child(void *unused)
{
    (void)unused;
    print_threads("child");
    use();
    print_threads("child, after use");
}

int main(int argc, char **argv)
{
    /* The library makes its thread before main. */
    if (argc > 1 && strcmp(argv[1], "forbidden") == 0) {
        forbid_threads();
        argv[1] = "still";
        execv("/proc/self/exe", argv);
    }
    print_threads("start");
    use();
    nanosleep(&(struct timespec){1, 0}, NULL);
    print_threads("after use");
    if (argc == 1)
        expect(child_does(child, NULL));
    return 0;
}
