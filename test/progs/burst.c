/*
 * Maps 512 MB in spans of so many KB, touches and unmaps them, then goes on with little or nothing.
 * Prints what is resident, in MB: at the peak, right after, and at the end.
 *
 * usage: burst KB MS calls|idle map|malloc
 */
#include "prog.h"

#include <time.h>

#define TOTAL (512 * MB)

static bool blocks;

static long resident_mb(void)
{
    char text[128] = "";
    FILE *statm = fopen("/proc/self/statm", "r");
    expect(statm != NULL && fgets(text, sizeof text, statm) != NULL);
    fclose(statm);
    return strtol(strchr(text, ' '), NULL, 10) / 256;
}

static char *volatile last;

static void take(char **span, size_t nbytes)
{
    last = *span = blocks ? malloc(nbytes) : map(nbytes);
    expect(*span != NULL);
}

static void give(char *span, size_t nbytes)
{
    if (blocks)
        free(span);
    else
        unmap(span, nbytes);
}

int main(int argc, char **argv)
{
    expect(argc == 5);
    size_t nbytes = strtoul(argv[1], NULL, 10) * 1024;
    long ms = strtol(argv[2], NULL, 10);
    bool calls = strcmp(argv[3], "calls") == 0;
    blocks = strcmp(argv[4], "malloc") == 0;

    size_t count = TOTAL / nbytes;
    char **spans = malloc(count * sizeof *spans);
    for (size_t i = 0; i < count; i++) {
        take(&spans[i], nbytes);
        fill(spans[i], nbytes, i);
    }
    long peak = resident_mb();
    for (size_t i = 0; i < count; i++)
        give(spans[i], nbytes);
    long after = resident_mb();
    for (long passed = 0; passed < ms; passed += 5) {
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        for (int i = 0; i < 4 && calls; i++) {
            char *span;
            take(&span, 20000);
            give(span, 20000);
        }
    }
    printf("%ld %ld %ld\n", peak, after, resident_mb());
    return 0;
}
