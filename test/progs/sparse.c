/*
 * Fills 8 MB, so that it counts as a program that uses memory, and then takes spans of which it touches
 * little: one page in 64. "part": it gives one of these back at once; "whole": it has touched all of it,
 * given it back, and then touches as little.
 *
 * usage: sparse COUNT KB [part | whole]
 */
#include "prog.h"

int main(int argc, char **argv)
{
    expect(argc == 3 || argc == 4);
    size_t count = strtoul(argv[1], NULL, 10);
    size_t nbytes = strtoul(argv[2], NULL, 10) * 1024;
    bool part = argc == 4 && strcmp(argv[3], "part") == 0;
    bool whole = argc == 4 && !part;
    fill(map(8 * MB), 8 * MB, 1);
    for (size_t i = 0; i < count; i++) {
        char *span = map(nbytes);
        if (whole) {
            fill(span, nbytes, 1);
            expect(madvise(span, nbytes, MADV_DONTNEED) == 0);
        }
        for (size_t at = 0; at < nbytes; at += 64 * PAGE)
            span[at] = 1;
        if (part)
            expect(madvise(span, PAGE, MADV_DONTNEED) == 0);
    }
    return 0;
}
