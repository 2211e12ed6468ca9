/* What V8, PHP and LuaJIT do: reserve, open in parts, trim to an alignment, ask for addresses. */
#include "prog.h"
#include <fcntl.h>

static char *reserve(char *hint, size_t nbytes)
{
    char *p = mmap(hint, nbytes, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    expect(p != MAP_FAILED);
    return p;
}

static void reserve_and_open(void)
{
    char *p = reserve((char *)0x100000000000, 508 << 10);
    expect(madvise(p, 508 << 10, MADV_DONTFORK) == 0);
    unmap(p + (256 << 10), 252 << 10);
    expect(mprotect(p, 256 << 10, RW) == 0);
    expect(is_zero(p, 256 << 10));
    fill(p, 256 << 10, 1);
    unmap(p, 256 << 10);
}

/* The kernel writes for a debugger where the program cannot. */
static void write_through_proc(void)
{
    int fd = open("/proc/self/mem", O_RDWR);
    char *p = reserve(NULL, 508 << 10);
    expect(fd >= 0);
    bool written = pwrite(fd, "not 0", 5, (off_t)(uintptr_t)(p + 100 * PAGE)) == 5;
    close(fd);
    unmap(p, 508 << 10);
    p = map(508 << 10);
    expect(!written || is_zero(p, 508 << 10));
    unmap(p, 508 << 10);
}

static char *align_by_trimming(void)
{
    char *p = map_served(4 * MB);
    char *aligned = (char *)(((uintptr_t)p + 2 * MB - 1) & -(2 * MB));
    if (aligned != p)
        unmap(p, (size_t)(aligned - p));
    if (aligned + 2 * MB != p + 4 * MB)
        unmap(aligned + 2 * MB, (size_t)(p + 4 * MB - aligned - 2 * MB));
    expect(is_zero(aligned, 2 * MB));
    fill(aligned, 2 * MB, 2);
    return aligned;
}

int main(void)
{
    char *chunks[8];
    for (int i = 0; i < 100; i++)
        reserve_and_open();
    for (int i = 0; i < 4; i++)
        write_through_proc();
    for (size_t i = 0; i < COUNT(chunks); i++)
        chunks[i] = align_by_trimming();
    for (size_t i = 0; i < COUNT(chunks); i++) {
        expect(is_filled(chunks[i], 2 * MB, 2));
        unmap(chunks[i], 2 * MB);
    }

    char *p = map_served(16 * PAGE);
    fill(p, 16 * PAGE, 3);
    char *elsewhere = mmap(p, 4 * PAGE, RW, ANON, -1, 0); /* taken: a hint yields */
    expect(elsewhere != MAP_FAILED && (elsewhere >= p + 16 * PAGE || elsewhere + 4 * PAGE <= p));
    expect(is_zero(elsewhere, 4 * PAGE));
    unmap(p + 4 * PAGE, 4 * PAGE);
    char *hinted = mmap(p + 4 * PAGE, 4 * PAGE, RW, ANON, -1, 0); /* free: may be there */
    expect(hinted != MAP_FAILED && is_zero(hinted, 4 * PAGE));
    fill(hinted, 4 * PAGE, 9);
    expect(is_filled(p, 4 * PAGE, 3) && is_filled(p + 8 * PAGE, 8 * PAGE, 11));
    /* A program that insists on where it asked: from then on the kernel serves, but for what is free here. */
    char *wanted = (char *)0x120000000000;
    char *first = reserve(wanted, MB);
    unmap(first, MB);
    char *again = reserve(first, MB);
    expect(again == first || first == wanted);
    puts("contents ok");
}
