/*
 * Fills 8 MB, so that it counts as a program that uses memory, and then takes spans of which it touches
 * little: one page in 64.
 *
 * usage: sparse COUNT KB
 */
#include "prog.h"

int main(int argc, char **argv)
{
    expect(argc == 3);
    size_t count = strtoul(argv[1], NULL, 10);
    size_t nbytes = strtoul(argv[2], NULL, 10) * 1024;
    fill(map(8 * MB), 8 * MB, 1);
    for (size_t i = 0; i < count; i++) {
        char *span = map(nbytes);
        for (size_t at = 0; at < nbytes; at += 64 * PAGE)
            span[at] = 1;
    }
    return 0;
}
