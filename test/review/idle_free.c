/* BACKGROUND=1: a thread that has not looked at the clock for more than two periods frees; nothing drains it any more.
   DECAY_MS=500 BACKGROUND=1: prints RSS in MB, 3 s after the last free. */
#include "../progs/prog.h"
int main(void)
{
    static char *p[60];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 60; i++) { p[i] = map(2 * MB); memset(p[i], 1, 2 * MB); }
        if (round == 1) sleep(2);                       /* more than two periods pass */
        for (int i = 0; i < 60; i++) unmap(p[i], 2 * MB);
    }
    sleep(3);
    printf("%ld MB\n", status_kb("VmRSS:") / 1024);
}
