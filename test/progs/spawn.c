/* vfork, posix_spawn, system, popen and exec, with memory of ours on both sides. */
#include <spawn.h>

#include "prog.h"

extern char **environ;

static char *const again[] = {"spawn", "child", NULL};

static void work(void)
{
    for (size_t i = 0; i < 12; i++) {
        char *p = map_served(PAGE << i % 10);
        expect(is_zero(p, PAGE << i % 10));
        fill(p, PAGE << i % 10, i);
        unmap(p, PAGE << i % 10);
    }
}

static void waited(const char *what, pid_t pid)
{
    int status = 0;
    expect(pid > 0 && waitpid(pid, &status, 0) == pid);
    printf("%s: status %d\n", what, WEXITSTATUS(status));
    work();
}

int main(int argc, char **argv)
{
    char line[64];
    work();
    if (argc > 1)
        return 7;

    setvbuf(stdout, NULL, _IOLBF, 0);
    pid_t pid = vfork();
    if (pid == 0) {
        execv("/proc/self/exe", again);
        _exit(1);
    }
    waited("vfork and exec", pid);

    char *volatile shared = NULL;
    pid = vfork(); /* the child has our memory, not a copy */
    if (pid == 0) {
        unmap(map(32 * PAGE), 32 * PAGE);
        fill(shared = map(16 * PAGE), 16 * PAGE, 1);
        _exit(8);
    }
    waited("vfork that maps", pid);
    expect(is_filled(shared, 16 * PAGE, 1));
    unmap(shared, 16 * PAGE);

    expect(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, again, environ) == 0);
    waited("posix_spawn", pid);
    printf("system: %d\n", WEXITSTATUS(system("exit 9")));
    FILE *out = popen("echo from a pipe", "r");
    expect(fgets(line, sizeof line, out) != NULL);
    printf("popen: %s", line);
    expect(pclose(out) == 0);
    work();
    (void)argv;
    execv("/proc/self/exe", again);
    return 1;
}
