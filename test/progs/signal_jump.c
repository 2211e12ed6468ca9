/*
 * usage: signal_jump [over]
 *
 * A handler that leaves mmap and munmap by siglongjmp: the program goes on, and is right; and it
 * may map over what it has.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "prog.h"

#define CHILDREN 60
#define JUMPS 10

static sigjmp_buf back;
static volatile sig_atomic_t may_jump;
static bool map_over;

static void on_alarm(int unused)
{
    (void)unused;
    if (may_jump)
        siglongjmp(back, 1);
}

static void cycle(size_t turn)
{
    size_t nbytes = PAGE << turn % 7;
    char *p = mmap(NULL, nbytes, RW, ANON, -1, 0);
    if (!is_zero(p, nbytes)) {
        may_jump = 0;
        wrong(__FILE__, __LINE__, "zero memory");
    }
    fill(p, nbytes, turn);
    munmap(p, nbytes);
}

static void jump_until_enough(void)
{
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    static volatile size_t turn, njumps;
    setitimer(ITIMER_REAL, &often, NULL);
    if (sigsetjmp(back, 1) != 0) {
        may_jump = 0;
        njumps++;
    }
    while (njumps < JUMPS) {
        may_jump = 1;
        cycle(turn++);
        may_jump = 0;
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

static void child(void *kept)
{
    jump_until_enough();
    expect(is_filled(kept, 40 * PAGE, 1));
    for (size_t i = 0; i < 40; i++) {
        char *p = map(PAGE << i % 9), *q = map(PAGE << i % 9);
        expect(is_zero(p, PAGE << i % 9) && is_zero(q, PAGE << i % 9));
        fill(p, PAGE << i % 9, i);
        fill(q, PAGE << i % 9, i + 1);
        expect(is_filled(p, PAGE << i % 9, i));
        unmap(p, PAGE << i % 9);
        unmap(q, PAGE << i % 9);
    }
    if (map_over)
        expect(mmap(kept, 40 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == kept);
    unmap(kept, 40 * PAGE);
    expect(!is_mapped(kept, 1));
}

/* Only a process's first jumps may leave the arena in the middle: after that it is not used. */
int main(int argc, char **argv)
{
    (void)argv;
    map_over = argc > 1;
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_NODEFER};
    char *kept = map_served(40 * PAGE);
    fill(kept, 40 * PAGE, 1);
    sigaction(SIGALRM, &action, NULL);
    for (size_t i = 0; i < CHILDREN; i++)
        expect(child_does(child, kept));
    puts("contents ok");
}
