/*
 * Mapping goes on before, under and after mlockall, which locks what comes. It succeeds within the
 * limit that is enough without us; 8 MB is the usual one.
 */
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

static void lock_and_work(void *kept)
{
    work(1);
    show("bad flags", mlockall(0x80) == 0);
    work(2);
    show("what is", mlockall(MCL_CURRENT) == 0);
    work(3);
    show("what comes", mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
    work(4);
    long before = status_kb("VmLck:");
    char *locked = map(64 * PAGE);
    printf("it is: %ld KB\n", status_kb("VmLck:") - before);
    unmap(locked, 64 * PAGE);
    show("munlockall", munlockall() == 0);
    work(5);
    expect(is_filled(kept, 40 * PAGE, 1));
    unmap(kept, 40 * PAGE);
    work(6);
}

static void as_anybody(void *kept)
{
    struct rlimit limit;
    expect(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    limit.rlim_cur = limit.rlim_max < 8 * MB ? limit.rlim_max : 8 * MB;
    expect(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    if (getuid() == 0)
        expect(setuid(65534) == 0); /* root has no limit */
    lock_and_work(kept);
}

int main(void)
{
    char *kept = map_served(40 * PAGE);
    fill(kept, 40 * PAGE, 1);
    work(0);
    show("as we are", child_does(lock_and_work, kept));
    show("within a limit", child_does(as_anybody, kept));
    lock_and_work(kept);
}
