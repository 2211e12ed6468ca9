#include "command.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double command_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

long command_number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 0);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "not a number: %s\n", text);
        exit(2);
    }
    return value;
}

FILE *command_open(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    return file;
}

/* build/ is where this program's test/fuzz/ lies. */
static const char *shim_of_build(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length < 0)
        return "";
    path[length] = '\0';
    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    return strcat(path, "/libpagearena_shim.so");
}

const char *command_shim(const char *path)
{
    static char whole[PATH_MAX];
    if (path == NULL)
        path = shim_of_build();
    if (realpath(path, whole) == NULL || access(whole, R_OK) != 0) {
        fprintf(stderr, "no library %s\n", path);
        exit(2);
    }
    return whole;
}
