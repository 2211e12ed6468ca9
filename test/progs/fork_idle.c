/* A child of fork maps and unmaps much, and then does nothing: prints whether much stays resident. */
#include "prog.h"

#include <time.h>

static long resident_mb(void)
{
    char text[128] = "";
    FILE *statm = fopen("/proc/self/statm", "r");
    expect(statm != NULL && fgets(text, sizeof text, statm) != NULL);
    fclose(statm);
    return strtol(strchr(text, ' '), NULL, 10) / 256;
}

static void burst(void)
{
    char *spans[20];
    for (int i = 0; i < 20; i++)
        fill(spans[i] = map(MB), MB, 1);
    for (int i = 0; i < 20; i++)
        unmap(spans[i], MB);
}

int main(void)
{
    int status;
    burst();
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) {
        burst();
        nanosleep(&(struct timespec){2, 0}, NULL);
        puts(resident_mb() < 10 ? "child: little" : "child: much");
        fflush(stdout);
        _exit(0);
    }
    expect(waitpid(child, &status, 0) == child && status == 0);
    puts(resident_mb() < 10 ? "parent: little" : "parent: much");
    return 0;
}
