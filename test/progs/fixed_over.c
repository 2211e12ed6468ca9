/*
 * MAP_FIXED over live, unmapped and mixed pages, with every kind of mapping: it is in place, its
 * neighbours are not touched, nobody else gets the pages; unmapped, they are plain zero memory
 * again.
 */
#include <fcntl.h>

#include "prog.h"

enum state { LIVE, UNMAPPED, MIXED };
enum kind { ANONYMOUS, INACCESSIBLE, SHARED, FILE_PRIVATE, FILE_SHARED, KINDS };

static int file;

static char *overlay(char *at, size_t nbytes, enum kind kind)
{
    int flags = MAP_FIXED | (kind == SHARED || kind == FILE_SHARED ? MAP_SHARED : MAP_PRIVATE);
    bool is_file = kind == FILE_PRIVATE || kind == FILE_SHARED;
    return mmap(at, nbytes, kind == INACCESSIBLE ? PROT_NONE : RW,
                flags | (is_file ? 0 : MAP_ANONYMOUS), is_file ? file : -1, 0);
}

static void take_and_drop_some(char *at, size_t nbytes)
{
    char *pages[64];
    for (size_t i = 0; i < COUNT(pages); i++) {
        pages[i] = map(PAGE << i % 6);
        expect(pages[i] + (PAGE << i % 6) <= at || pages[i] >= at + nbytes);
        memset(pages[i], 0x77, PAGE << i % 6);
    }
    for (size_t i = 0; i < COUNT(pages); i++)
        unmap(pages[i], PAGE << i % 6);
}

static void cover(size_t npages, size_t from, size_t to, enum state state, enum kind kind)
{
    char *p = map_served(npages * PAGE);
    char *at = p + from * PAGE;
    size_t nbytes = (to - from) * PAGE;
    bool is_file = kind == FILE_PRIVATE || kind == FILE_SHARED;
    fill(p, npages * PAGE, 1);
    char *before = malloc(nbytes);
    memset(before, 'f', nbytes);
    expect(pwrite(file, before, nbytes, 0) == (ssize_t)nbytes);

    if (state == UNMAPPED)
        unmap(at, nbytes);
    else if (state == MIXED)
        unmap(at, nbytes / 2 / PAGE * PAGE + PAGE);
    expect(overlay(at, nbytes, kind) == at);
    take_and_drop_some(at, nbytes);
    if (kind != INACCESSIBLE) {
        expect(is_all(at, nbytes, is_file ? 'f' : 0));
        memset(at, 'w', nbytes);
        expect(is_all(at, nbytes, 'w'));
    }
    expect(is_filled(p, from * PAGE, 1));
    expect(is_filled(p + to * PAGE, (npages - to) * PAGE, 1 + to));
    unmap(p, npages * PAGE);
    expect(!is_mapped(at, 1));
    reuse(p, npages * PAGE);
    if (is_file) {
        expect(pread(file, before, nbytes, 0) == (ssize_t)nbytes);
        expect(is_all(before, nbytes, kind == FILE_SHARED ? 'w' : 'f'));
    }
    free(before);
}

int main(void)
{
    file = open(".", O_RDWR | O_TMPFILE, 0600);
    expect(file >= 0);
    for (enum state state = LIVE; state <= MIXED; state++)
        for (enum kind kind = ANONYMOUS; kind < KINDS; kind++) {
            cover(1, 0, 1, state, kind);
            cover(8, 2, 6, state, kind);
            cover(16, 0, 16, state, kind);
            cover(16, 0, 3, state, kind);
            cover(100, 90, 100, state, kind);
        }
    puts("contents ok");
}
