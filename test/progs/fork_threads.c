/*
 * fork while other threads map at full speed: every child goes on mapping, and finds zero memory.
 */
#include "busy_threads.h"

#define CHILDREN 200

static char *kept;

static void child(void *unused)
{
    (void)unused;
    for (size_t turn = 0; turn < 30; turn++)
        busy_cycle(turn, 90);
    expect(is_filled(kept, 20 * PAGE, 5));
    unmap(kept, 20 * PAGE);
    busy_cycle(0, 90);
}

int main(void)
{
    fill(kept = map_served(20 * PAGE), 20 * PAGE, 5);
    start_busy_threads();
    for (int i = 0; i < CHILDREN; i++)
        expect(child_does(child, NULL));
    stop_busy_threads();
    expect(is_filled(kept, 20 * PAGE, 5));
    puts("contents ok");
}
