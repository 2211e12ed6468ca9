/* A timer's handler maps, writes and unmaps while the program does just that. */
#include <signal.h>
#include <sys/time.h>

#include "prog.h"

#define STORMS 3000

static volatile size_t nsignals;
static char *volatile shared[8]; /* mapped on one side, unmapped on the other */

static size_t pages_for_turn(size_t turn)
{
    static const size_t npages[] = {1, 16, 3, 32, 1, 64, 512, 1, 7};
    return npages[turn % COUNT(npages)] * PAGE;
}

static void swap_in(size_t turn)
{
    char *p = map(4 * PAGE);
    expect(is_zero(p, 4 * PAGE));
    fill(p, 4 * PAGE, 33);
    p = __atomic_exchange_n(&shared[turn % COUNT(shared)], p, __ATOMIC_SEQ_CST);
    if (p != NULL) {
        expect(is_filled(p, 4 * PAGE, 33));
        unmap(p, 4 * PAGE);
    }
}

/* Once more: a timer that goes on by itself would leave the program no time where faults are slow. */
static void arm(void)
{
    struct itimerval soon = {.it_value = {0, 50}};
    setitimer(ITIMER_REAL, &soon, NULL);
}

static void on_alarm(int unused)
{
    (void)unused;
    int before = errno;
    size_t nbytes = pages_for_turn(nsignals);
    char *p = map(nbytes);
    expect(nbytes > 100 * PAGE || is_zero(p, nbytes));
    fill(p, PAGE, 44);
    if (nsignals % 5 == 0)
        expect(mprotect(p, PAGE, PROT_READ) == 0);
    swap_in(nsignals);
    expect(is_filled(p, PAGE, 44));
    unmap(p, nbytes);
    if (++nsignals < STORMS)
        arm();
    errno = before;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    unmap(map_served(PAGE), PAGE);
    sigaction(SIGALRM, &action, NULL);
    arm();
    for (size_t turn = 0; nsignals < STORMS; turn++) {
        size_t nbytes = pages_for_turn(turn);
        errno = 4321;
        char *p = map(nbytes);
        expect(errno == 4321);
        expect(nbytes > 100 * PAGE || is_zero(p, nbytes));
        fill(p, nbytes, turn);
        swap_in(turn);
        if (turn % 7 == 0)
            expect(mprotect(p, nbytes / 2, PROT_READ) == 0);
        if (turn % 11 == 0 && turn % 7 != 0) {
            p = mremap(p, nbytes, nbytes + PAGE, MREMAP_MAYMOVE);
            expect(p != MAP_FAILED && is_zero(p + nbytes, PAGE));
        }
        expect(is_filled(p, nbytes, turn));
        unmap(p, nbytes + (turn % 11 == 0 && turn % 7 != 0 ? PAGE : 0));
    }
    for (size_t i = 0; i < COUNT(shared); i++)
        swap_in(i);
    unmap(map_served(PAGE), PAGE);
    puts("contents ok");
}
