/*
 * Memory mapped before the arena is up. As a program nothing special; as a shared library, whose
 * constructor runs first, what contract.bats wants to see.
 */
#include "prog.h"

static char *early[20];

static void use(void)
{
    for (size_t i = 0; i < COUNT(early); i++) {
        char *p = map(PAGE << i % 10);
        expect(is_zero(p, PAGE << i % 10));
        fill(p, PAGE << i % 10, i);
        unmap(p, PAGE << i % 10);
    }
}

__attribute__((constructor)) static void at_start(void)
{
    use();
    for (size_t i = 0; i < COUNT(early); i++)
        fill(early[i] = map(PAGE << i % 10), PAGE << i % 10, i);
    expect(mprotect(early[0], PAGE, PROT_READ) == 0);
}

__attribute__((destructor)) static void at_end(void)
{
    for (size_t i = 0; i < COUNT(early); i++)
        expect(is_filled(early[i], PAGE << i % 10, i));
    early[1] = mremap(early[1], 2 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
    expect(early[1] != MAP_FAILED && is_filled(early[1], 2 * PAGE, 1));
    for (size_t i = 0; i < COUNT(early); i++)
        unmap(early[i], PAGE << i % 10);
    use();
}

int main(void)
{
    use();
    unmap(map_served(16 * PAGE), 16 * PAGE);
    puts("contents ok");
}
