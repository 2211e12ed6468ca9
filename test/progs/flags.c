/* Every kind of mapping works, and is zero again when it is unmapped and its place is reused. */
#include "prog.h"

static void cycle(const char *name, int prot, int flags)
{
    for (int round = 0; round < 2; round++) {
        char *p = mmap(NULL, 40 * PAGE, prot, flags, -1, 0);
        expect(p != MAP_FAILED);
        expect(!(flags & MAP_32BIT) || (uintptr_t)p < (uintptr_t)1 << 31);
        expect(prot == PROT_NONE || is_zero(p, 40 * PAGE));
        expect(!(flags & MAP_LOCKED) || status_kb("VmLck:") >= 40 * 4);
        expect(mprotect(p, 40 * PAGE, RW) == 0);
        expect(is_zero(p, 40 * PAGE));
        fill(p, 40 * PAGE, 1);
        unmap(p, 40 * PAGE);
    }
    show(name, true);
}

int main(void)
{
    unmap(map_served(40 * PAGE), 40 * PAGE);
    cycle("plain", RW, ANON);
    cycle("NORESERVE", RW, ANON | MAP_NORESERVE);
    cycle("STACK", RW, ANON | MAP_STACK);
    cycle("POPULATE", RW, ANON | MAP_POPULATE);
    cycle("NONBLOCK", RW, ANON | MAP_POPULATE | MAP_NONBLOCK);
    cycle("LOCKED", RW, ANON | MAP_LOCKED);
    cycle("GROWSDOWN", RW, ANON | MAP_GROWSDOWN);
    cycle("32BIT", RW, ANON | MAP_32BIT);
    cycle("SHARED", RW, MAP_SHARED | MAP_ANONYMOUS);
    cycle("PROT_NONE", PROT_NONE, ANON);
    cycle("PROT_READ", PROT_READ, ANON);
    cycle("PROT_WRITE", PROT_WRITE, ANON);
    cycle("PROT_EXEC", RW | PROT_EXEC, ANON);
    cycle("all harmless", RW, ANON | MAP_NORESERVE | MAP_STACK | MAP_POPULATE);
    cycle("plain", RW, ANON);

    char *p = mmap(NULL, 512 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
    static unsigned char residency[512];
    size_t resident = 0;
    expect(mincore(p, 512 * PAGE, residency) == 0);
    for (size_t i = 0; i < 512; i++)
        resident += residency[i] & 1;
    printf("populated: %zu\n", resident);
}
