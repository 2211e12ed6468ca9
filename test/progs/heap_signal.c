/*
 * A handler that allocates, grows and frees, and interrupts what is no malloc: plain code, and the
 * calls of the mmap family, which a handler of any program may interrupt.
 */
#include <signal.h>
#include <sys/time.h>

#include "heap.h"

static volatile size_t nsignals;

static void handler(int number)
{
    int before = errno;
    (void)number;
    size_t nbytes = heap_sizes[nsignals % (COUNT(heap_sizes) - 3)];
    char *p = opaque(malloc(nbytes)), *q = opaque(calloc(nbytes + 1, 1));
    expect(p != NULL && is_zero(q, nbytes + 1));
    fill(p, nbytes, nsignals);
    expect((q = realloc(q, nbytes + 10 * PAGE)) != NULL);
    check_and_free(p, nbytes, nsignals);
    free(q);
    nsignals++;
    errno = before;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval every = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};
    expect(sigaction(SIGALRM, &action, NULL) == 0);
    expect(setitimer(ITIMER_REAL, &every, NULL) == 0);
    for (size_t turn = 0; nsignals < 600; turn++) {
        static const size_t npages[] = {1, 16, 3, 32, 512, 70};
        size_t nbytes = npages[turn % COUNT(npages)] * PAGE;
        char *p = map(nbytes);
        expect(is_zero(p, nbytes));
        fill(p, nbytes, turn);
        expect(mprotect(p, PAGE, PROT_READ) == 0 && mprotect(p, PAGE, RW) == 0);
        expect((p = mremap(p, nbytes, 2 * nbytes, MREMAP_MAYMOVE)) != MAP_FAILED);
        expect(is_filled(p, nbytes, turn));
        unmap(p, 2 * nbytes);
    }
    every = (struct itimerval){0};
    expect(setitimer(ITIMER_REAL, &every, NULL) == 0);
    leave_dirt();
    puts("contents ok");
}
