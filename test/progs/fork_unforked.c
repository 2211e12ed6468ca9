/* Pages under MADV_DONTFORK are holes in the child, from its first call on, whatever that is. */
#include "prog.h"

#define N ((size_t)24)

static char *p;

static void advise(void *unused)
{
    (void)unused;
    show("madvise", madvise(p, N * PAGE, MADV_DONTFORK) == 0);
}

static void look_up(void *unused)
{
    (void)unused;
    expect(!is_mapped(p, N) && is_mapped(p, 8) && !is_mapped(p + 8 * PAGE, 1));
    show("msync", msync(p, N * PAGE, MS_ASYNC) == 0);
}

static void lock(void *unused)
{
    (void)unused;
    show("mlock", mlock(p, N * PAGE) == 0);
}

static void move(void *unused)
{
    (void)unused;
    show("mremap", mremap(p, N * PAGE, 2 * N * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

/* What was opened before the hole reads zero, though the call failed. */
static void open_up(void *unused)
{
    (void)unused;
    show("mprotect", mprotect(p, N * PAGE, RW) == 0);
    expect(is_zero(p, 8 * PAGE));
}

int main(void)
{
    void (*const calls[])(void *) = {advise, look_up, lock, move};
    for (size_t i = 0; i < COUNT(calls); i++) {
        p = map_served(N * PAGE);
        fill(p, N * PAGE, i);
        expect(madvise(p + 8 * PAGE, PAGE, MADV_DONTFORK) == 0);
        expect(child_does(calls[i], NULL));
        expect(is_filled(p, N * PAGE, i));
        unmap(p, N * PAGE);
    }
    p = mmap(NULL, N * PAGE, PROT_NONE, ANON, -1, 0);
    expect(p != MAP_FAILED && madvise(p + 8 * PAGE, PAGE, MADV_DONTFORK) == 0);
    expect(child_does(open_up, NULL));
}
