/* mlockall succeeds within the limit that it needs without us, and mapping goes on under it. */
#include <sys/resource.h>

#include "prog.h"

static void work(size_t seed)
{
    char *spans[20];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(spans); i++) {
            spans[i] = map(PAGE << i % 8);
            expect(is_zero(spans[i], PAGE << i % 8));
            fill(spans[i], PAGE << i % 8, seed + i);
        }
        for (size_t i = 0; i < COUNT(spans); i++) {
            expect(is_filled(spans[i], PAGE << i % 8, seed + i));
            unmap(spans[i], PAGE << i % 8);
        }
    }
}

int main(void)
{
    struct rlimit limit;
    char *kept = map_served(40 * PAGE);
    fill(kept, 40 * PAGE, 1);
    work(1);
    expect(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    limit.rlim_cur = limit.rlim_max < 8 * MB ? limit.rlim_max : 8 * MB;
    expect(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (getuid() == 0)
        expect(setuid(65534) == 0); /* root has no limit */
    show("mlockall with bad flags", mlockall(0x80) == 0);
    work(2);
    show("mlockall of what is", mlockall(MCL_CURRENT) == 0);
    work(3);
    show("mlockall of what comes", mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
    work(4);
    long before = status_kb("VmLck:");
    char *locked = map(64 * PAGE);
    printf("it is: %ld KB\n", status_kb("VmLck:") - before);
    unmap(locked, 64 * PAGE);
    show("munlockall", munlockall() == 0);
    work(5);
    expect(is_filled(kept, 40 * PAGE, 1));
    unmap(kept, 40 * PAGE);
    show("done", true);
}
