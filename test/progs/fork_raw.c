/*
 * Children made without fork handlers, by _Fork and clone, while other threads map at full speed.
 */
#include <signal.h>
#include <sys/syscall.h>

#include "busy_threads.h"

#define CHILDREN 20

static void end_well(pid_t pid)
{
    int status;
    expect(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    char *kept = map_served(20 * PAGE);
    fill(kept, 20 * PAGE, 5);
    start_busy_threads();
    for (int i = 0; i < 2 * CHILDREN; i++) {
        pid_t pid = i % 2 == 0 ? _Fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        expect(pid >= 0);
        if (pid == 0) {
            for (size_t turn = 0; turn < 30; turn++)
                busy_cycle(turn, 90);
            expect(is_filled(kept, 20 * PAGE, 5));
            unmap(kept, 20 * PAGE);
            busy_cycle(0, 90);
            _exit(0);
        }
        end_well(pid);
    }
    stop_busy_threads();
    expect(is_filled(kept, 20 * PAGE, 5));
    puts("contents ok");
}
