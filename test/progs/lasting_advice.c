/*
 * Advice that stays with a page ends when it is unmapped: who gets it next sees plain memory,
 * after fork too.
 */
#include "prog.h"

#define N ((size_t)24)

static char *span, *others[64];
static bool gone, wiped;

static void look(void *unused)
{
    (void)unused;
    if (gone)
        expect(!is_mapped(span, N));
    else
        expect(wiped ? is_zero(span, N * PAGE) : is_filled(span, N * PAGE, 1));
    /* The child's own view of its addresses: it may drop them, and map again. */
    unmap(span, N * PAGE);
    char *p = map(N * PAGE);
    expect(is_zero(p, N * PAGE));
    fill(p, N * PAGE, 9);
    expect(is_filled(p, N * PAGE, 9));
    unmap(p, N * PAGE);
}

static void look_at_others(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT(others); i++)
        expect(is_filled(others[i], PAGE << i % 6, i));
}

static void advise(const char *name, int advice, size_t part)
{
    span = map_served(N * PAGE);
    fill(span, N * PAGE, 1);
    int result = madvise(span, part * PAGE, advice);
    show(name, result == 0);
    if (part == N) {
        gone = result == 0 && advice == MADV_DONTFORK;
        wiped = result == 0 && advice == MADV_WIPEONFORK;
        expect(child_does(look, NULL));
    }
    expect(is_filled(span, N * PAGE, 1));
    unmap(span, N * PAGE);
    reuse(span, N * PAGE);
    for (size_t i = 0; i < COUNT(others); i++) {
        others[i] = map_served(PAGE << i % 6);
        expect(is_zero(others[i], PAGE << i % 6));
        fill(others[i], PAGE << i % 6, i);
    }
    expect(child_does(look_at_others, NULL));
    for (size_t i = 0; i < COUNT(others); i++)
        unmap(others[i], PAGE << i % 6);
}

#define ADVISE(advice) (advise(#advice, advice, N), advise(#advice " on a part", advice, 5))

int main(void)
{
    ADVISE(MADV_DONTFORK);
    ADVISE(MADV_WIPEONFORK);
    ADVISE(MADV_DONTDUMP);
    ADVISE(MADV_HUGEPAGE);
    ADVISE(MADV_NOHUGEPAGE);
    ADVISE(MADV_MERGEABLE);
    ADVISE(MADV_SEQUENTIAL);
    ADVISE(MADV_RANDOM);

    char *p = map_served(N * PAGE);
    fill(p, N * PAGE, 1);
    show("MADV_GUARD_INSTALL", madvise(p, N / 2 * PAGE, 102) == 0);
    unmap(p, N * PAGE);
    reuse(p, N * PAGE);
}
