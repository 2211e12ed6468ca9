/*
 * usage: closed_descriptors FILE: started with 0, 1 and 2 closed, a program finds just these free.
 */
#include <fcntl.h>

#include "prog.h"

int main(int argc, char **argv)
{
    expect(argc == 2);
    unmap(map_served(16 * PAGE), 16 * PAGE);
    int first = open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600);
    int second = dup(first);
    fill(map_served(40 * PAGE), 40 * PAGE, 1);
    int third = dup(first);
    dprintf(first, "descriptors: %d %d %d\n", first, second, third);
    return 5;
}
