/*
 * Blocks whose pages the program has changed: protected and back, advised, locked, mapped over.
 * They are freed like any other, and what comes next in their place is plain, writable memory.
 */
#include <sys/prctl.h>

#include "heap.h"

#define NPAGES ((size_t)70)

static char *pages(void)
{
    char *p = memalign(PAGE, NPAGES * PAGE);
    expect(p != NULL);
    expect_served(p, NPAGES * PAGE);
    fill(p, NPAGES * PAGE, 1);
    return p;
}

/* Fresh blocks of all kinds, and a child that sees them. */
static void plain(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 10; i++) {
        char *p = calloc(NPAGES + i, PAGE), *q = block((NPAGES + i) * PAGE);
        expect(is_zero(p, (NPAGES + i) * PAGE));
        memset(p, 1, (NPAGES + i) * PAGE);
        fill(q, (NPAGES + i) * PAGE, i);
        check_and_free(q, (NPAGES + i) * PAGE, i);
        free(p);
    }
}

static char *inherited;

static void child(void *unused)
{
    expect(is_filled(inherited, NPAGES * PAGE, 9));
    plain(unused);
    free(inherited);
    plain(unused);
}

static void then_free(char *p)
{
    free(opaque(p));
    plain(NULL);
    inherited = pages();
    fill(inherited, NPAGES * PAGE, 9);
    expect(child_does(child, NULL));
    free(inherited);
}

int main(void)
{
    char *p = pages();
    expect(mprotect(p + PAGE, 3 * PAGE, PROT_NONE) == 0);
    expect(mprotect(p + PAGE, 3 * PAGE, RW) == 0);
    expect(is_filled(p, NPAGES * PAGE, 1));
    then_free(p);

    /* What glibc would hand on to the next block, and break it, has to be undone. */
    static const struct {
        int advice, undo;
    } cases[] = {{MADV_DONTNEED, 0},
                 {MADV_FREE, 0},
                 {MADV_DONTDUMP, 0},
                 {MADV_NOHUGEPAGE, 0},
                 {MADV_HUGEPAGE, 0},
                 {MADV_MERGEABLE, 0},
                 {MADV_WILLNEED, 0},
                 {MADV_SEQUENTIAL, 0},
                 {MADV_COLD, 0},
                 {MADV_PAGEOUT, 0},
                 {MADV_DONTFORK, MADV_DOFORK},
                 {MADV_WIPEONFORK, MADV_KEEPONFORK}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        p = pages();
        madvise(p + 2 * PAGE, 20 * PAGE, cases[i].advice);
        if (cases[i].undo != 0)
            expect(madvise(p + 2 * PAGE, 20 * PAGE, cases[i].undo) == 0);
        then_free(p);
    }

    p = pages();
    show("mlock", mlock(p + PAGE, 2 * PAGE) == 0);
    then_free(p);

    p = pages();
    expect(mmap(p + 5 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 5 * PAGE);
    expect(is_zero(p + 5 * PAGE, PAGE) && is_filled(p, 5 * PAGE, 1));
    then_free(p);

    p = pages();
    expect(mprotect(p, PAGE, PROT_READ) == 0 && madvise(p + PAGE, PAGE, MADV_DONTDUMP) == 0);
    expect(mprotect(p, PAGE, RW) == 0 && (p = realloc(p, 4 * NPAGES * PAGE)) != NULL);
    expect(is_filled(p, NPAGES * PAGE, 1));
    then_free(p);
    puts("contents ok");
}
