/*
 * usage: fits_limit MB: maps so much in small pieces, unmaps it, maps as much in one piece, and so
 * on.
 */
#include "prog.h"

static char *pieces[100000];

static void map_in_pieces(size_t total, size_t nbytes)
{
    for (size_t i = 0; i < total / nbytes; i++) {
        pieces[i] = mmap(NULL, nbytes, RW, ANON, -1, 0);
        if (pieces[i] == MAP_FAILED) {
            printf("piece %zu of %zu, of %zu KB: ", i, total / nbytes, nbytes / 1024);
            show("mmap", false);
            exit(1);
        }
        expect(is_zero(pieces[i], PAGE));
        memset(pieces[i], 1, PAGE);
    }
    for (size_t i = 0; i < total / nbytes; i++)
        unmap(pieces[i], nbytes);
    printf("in pieces of %zu KB: ok\n", nbytes / 1024);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    size_t total = (size_t)atoi(argv[argc - 1]) * MB;
    for (int round = 0; round < 2; round++) {
        map_in_pieces(total, 64 << 10);
        map_in_pieces(total, total);
        map_in_pieces(total, 2 * MB);
        map_in_pieces(total, total / 2);
        map_in_pieces(total, 100 << 10);
        map_in_pieces(total, 16 * MB);
    }
}
