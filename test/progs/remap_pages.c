/*
 * remap_file_pages on a shared mapping over ours: reordered, shared still, plain again when
 * reused.
 */
#include <fcntl.h>

#include "prog.h"

#define N ((size_t)8)

int main(void)
{
    int file = open(".", O_RDWR | O_TMPFILE, 0600);
    char page[PAGE];
    expect(file >= 0 && ftruncate(file, N * PAGE) == 0);
    for (int round = 0; round < 2; round++) {
        char *p = map_served(2 * N * PAGE);
        fill(p, 2 * N * PAGE, 1);
        expect(mmap(p, N * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0) == p);
        fill(p, N * PAGE, 7);
        for (size_t i = 0; i < N; i++)
            expect(remap_file_pages(p + i * PAGE, PAGE, 0, N - 1 - i, 0) == 0);
        for (size_t i = 0; i < N; i++)
            expect(is_filled(p + i * PAGE, PAGE, 7 + N - 1 - i));
        memset(p, 'x', PAGE);
        expect(pread(file, page, PAGE, (N - 1) * PAGE) == PAGE && is_all(page, PAGE, 'x'));
        expect(is_filled(p + N * PAGE, N * PAGE, 1 + N));
        show("private", remap_file_pages(p + N * PAGE, PAGE, 0, 0, 0) == 0);
        unmap(p, 2 * N * PAGE);
        show("unmapped", remap_file_pages(p, PAGE, 0, 0, 0) == 0);
        reuse(p, 2 * N * PAGE);
        expect(pread(file, page, PAGE, (N - 1) * PAGE) == PAGE && is_all(page, PAGE, 'x'));
    }
    puts("contents ok");
}
