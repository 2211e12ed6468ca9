/* MAP_FIXED that fails changes nothing: contents stay, unmapped pages stay unmapped. */
#include <fcntl.h>

#include "prog.h"

static void try(const char *what, int fd, int flags, off_t offset)
{
    char *p = map_served(16 * PAGE);
    fill(p, 16 * PAGE, 1);
    unmap(p + 4 * PAGE, 4 * PAGE);
    char *at[] = {p, p + 2 * PAGE, p + 4 * PAGE, p + 6 * PAGE};
    for (size_t i = 0; i < COUNT(at); i++) {
        expect(mmap(at[i], 4 * PAGE, RW, flags | MAP_FIXED, fd, offset) == MAP_FAILED);
        if (i == 0)
            show(what, false);
        expect(is_filled(p, 4 * PAGE, 1) && is_filled(p + 8 * PAGE, 8 * PAGE, 9));
        for (size_t page = 4; page < 8; page++)
            expect(!is_mapped(p + page * PAGE, 1));
    }
    reuse(p + 4 * PAGE, 4 * PAGE);
    unmap(p, 16 * PAGE);
    reuse(p, 16 * PAGE);
}

int main(void)
{
    int write_only = open(".", O_WRONLY | O_TMPFILE, 0600);
    int directory = open(".", O_RDONLY | O_DIRECTORY);
    expect(write_only >= 0 && directory >= 0);
    try("no descriptor", -1, MAP_PRIVATE, 0);
    try("closed descriptor", 77, MAP_SHARED, 0);
    try("write-only", write_only, MAP_SHARED, 0);
    try("directory", directory, MAP_PRIVATE, 0);
    try("misaligned offset", write_only, MAP_PRIVATE, 1);
    try("neither shared nor private", -1, MAP_ANONYMOUS, 0);
    puts("contents ok");
}
