/*
 * Pages given to a pipe keep their contents there, though they are unmapped, reused and rewritten.
 */
#include <fcntl.h>
#include <sys/uio.h>

#include "prog.h"

static void through_pipe(size_t npages, unsigned flags, size_t cut)
{
    char *p = map_served(npages * PAGE);
    size_t nbytes = npages * PAGE - 2 * cut;
    char *got = malloc(npages * PAGE);
    int ends[2];
    expect(pipe(ends) == 0);
    fill(p, npages * PAGE, 1);
    struct iovec part = {p + cut, nbytes};
    expect(vmsplice(ends[1], &part, 1, flags) == (ssize_t)nbytes);
    unmap(p, npages * PAGE);
    reuse(p, npages * PAGE);
    for (int i = 0; i < 20; i++) {
        char *q = map_served(npages * PAGE);
        expect(is_zero(q, npages * PAGE));
        fill(q, npages * PAGE, 50);
        unmap(q, npages * PAGE);
    }
    for (size_t at = 0; at < nbytes;) {
        ssize_t n = read(ends[0], got + cut + at, nbytes - at);
        expect(n > 0);
        at += (size_t)n;
    }
    for (size_t at = cut; at < cut + nbytes; at++)
        expect(got[at] == (char)(1 + at / PAGE + 1));
    close(ends[0]);
    close(ends[1]);
    free(got);
}

int main(void)
{
    through_pipe(1, 0, 0);
    through_pipe(1, 0, 100);
    through_pipe(3, 0, 5);
    through_pipe(16, 0, 0);
    through_pipe(16, SPLICE_F_GIFT, 0);
    show("bad descriptor", vmsplice(77, &(struct iovec){NULL, 0}, 1, 0) >= 0);
    puts("contents ok");
}
