/* Frees after a rest, and then rests again: prints whether much stays resident. */
#include "prog.h"

#include <time.h>

int main(void)
{
    static char *spans[20];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(spans); i++)
            fill(spans[i] = map(2 * MB), 2 * MB, 1);
        if (round == 1)
            nanosleep(&(struct timespec){1, 0}, NULL);
        for (size_t i = 0; i < COUNT(spans); i++)
            unmap(spans[i], 2 * MB);
    }
    nanosleep(&(struct timespec){2, 0}, NULL);
    puts(status_kb("VmRSS:") < 16 * 1024 ? "little" : "much");
    return 0;
}
