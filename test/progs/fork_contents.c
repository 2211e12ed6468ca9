/*
 * After fork both sides have their own copy of everything, and both go on mapping; so does a
 * grandchild.
 */
#include "prog.h"

static const size_t npages[] = {1, 2, 16, 17, 32, 100, 512, 700};
#define N COUNT(npages)

static char *spans[N];

static void check_all(size_t seed)
{
    for (size_t i = 0; i < N; i++)
        expect(is_filled(spans[i], npages[i] * PAGE, seed + i));
}

static void cycle(void)
{
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < N; i++) {
            char *p = map(npages[i] * PAGE);
            expect(is_zero(p, npages[i] * PAGE));
            fill(p, npages[i] * PAGE, 60);
            unmap(p, npages[i] * PAGE);
        }
}

static void grandchild(void *unused)
{
    (void)unused;
    check_all(10);
    cycle();
    for (size_t i = 0; i < N; i++)
        unmap(spans[i], npages[i] * PAGE);
    cycle();
}

static void child(void *unused)
{
    (void)unused;
    check_all(0);
    cycle();
    check_all(0);
    for (size_t i = 0; i < N; i++)
        fill(spans[i], npages[i] * PAGE, 10 + i);
    expect(child_does(grandchild, NULL));
    check_all(10);
    for (size_t i = 0; i < N; i += 2) {
        char *p = mremap(spans[i], npages[i] * PAGE, 2 * npages[i] * PAGE, MREMAP_MAYMOVE);
        expect(p != MAP_FAILED && is_filled(p, npages[i] * PAGE, 10 + i));
        expect(is_zero(p + npages[i] * PAGE, npages[i] * PAGE));
        fill(p, 2 * npages[i] * PAGE, 70);
        unmap(p, 2 * npages[i] * PAGE);
    }
    for (size_t i = 1; i < N; i += 2) {
        expect(mprotect(spans[i], PAGE, PROT_NONE) == 0);
        unmap(spans[i], npages[i] * PAGE);
    }
    cycle();
}

int main(void)
{
    cycle();
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < N; i++)
            fill(spans[i] = map_served(npages[i] * PAGE), npages[i] * PAGE, i);
        expect(child_does(child, NULL));
        check_all(0);
        for (size_t i = 0; i < N; i++)
            unmap(spans[i], npages[i] * PAGE);
        cycle();
    }

    /* While the child holds a page, the parent's use of it is not seen there; and the other way. */
    int to_child[2], to_parent[2];
    char byte = 0;
    expect(pipe(to_child) == 0 && pipe(to_parent) == 0);
    fill(spans[3] = map_served(npages[3] * PAGE), npages[3] * PAGE, 3);
    pid_t pid = fork();
    if (pid == 0) {
        expect(read(to_child[0], &byte, 1) == 1);
        expect(is_filled(spans[3], npages[3] * PAGE, 3));
        fill(spans[3], npages[3] * PAGE, 80);
        expect(write(to_parent[1], "x", 1) == 1);
        _exit(0);
    }
    unmap(spans[3], npages[3] * PAGE);
    cycle();
    expect(write(to_child[1], "x", 1) == 1 && read(to_parent[0], &byte, 1) == 1);
    cycle();
    int status;
    expect(waitpid(pid, &status, 0) == pid && status == 0);
    puts("contents ok");
}
