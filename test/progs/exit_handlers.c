/* atexit, destructor functions and threads that still run use memory to the very end. */
#include "busy_threads.h"

static char *early;

static void use(const char *when)
{
    expect(is_filled(early, 20 * PAGE, 1));
    for (size_t turn = 0; turn < 20; turn++)
        busy_cycle(turn, 100);
    printf("%s: ok\n", when);
    fflush(stdout);
}

static void at_exit(void)
{
    use("atexit");
}

__attribute__((constructor)) static void at_start(void)
{
    fill(early = map(20 * PAGE), 20 * PAGE, 1);
    atexit(at_exit);
    use("constructor");
}

__attribute__((destructor)) static void at_end(void)
{
    use("destructor");
    unmap(early, 20 * PAGE);
}

__attribute__((destructor(101))) static void at_very_end(void)
{
    busy_cycle(0, 1);
    puts("last destructor: ok");
}

int main(void)
{
    start_busy_threads();
    use("main");
}
