#include "spawn.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT_MOST 256
#define KNOBS_MOST 16

extern char **environ;

static bool is_ours(const char *variable)
{
    return strncmp(variable, "LD_PRELOAD=", 11) == 0 ||
           strncmp(variable, "HAKMEM_PAGE_ARENA_", 18) == 0;
}

pid_t spawn(const char *shim, const char *const *knobs, char *const *arguments)
{
    static char preload[4096];
    char *variables[ENVIRONMENT_MOST + KNOBS_MOST];
    int count = 0;
    for (char **variable = environ; *variable != NULL && count < ENVIRONMENT_MOST; variable++)
        if (!is_ours(*variable))
            variables[count++] = *variable;
    if (shim != NULL) {
        snprintf(preload, sizeof preload, "LD_PRELOAD=%s", shim);
        variables[count++] = preload;
        variables[count++] = "HAKMEM_PAGE_ARENA_ENABLE=1";
        for (const char *const *knob = knobs; *knob != NULL; knob++)
            variables[count++] = (char *)*knob;
    }
    variables[count] = NULL;
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        execve("/proc/self/exe", arguments, variables);
        _exit(127);
    }
    if (child == -1) {
        perror(arguments[0]);
        exit(2);
    }
    setpgid(child, child);
    return child;
}
