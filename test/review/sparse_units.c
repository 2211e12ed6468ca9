/* THP=auto: of each 64 KB buffer the first 8 KB are used. The samples of look_into() are the first pages of 64 KB units. */
#include "../progs/prog.h"
int main(int argc, char **argv)
{
    bool with_mmap = argc > 1; (void)argv;
    for (int i = 0; i < 2000; i++) {
        char *p = with_mmap ? map(64 << 10) : malloc(65536);
        memset(p, 1, 8192);
    }
    printf("peak %ld MB\n", status_kb("VmHWM:") / 1024);
}
