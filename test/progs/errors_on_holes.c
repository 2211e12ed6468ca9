/* Malformed calls on unmapped pages: the kernel looks at the arguments first. */
#include "prog.h"

#define CALL(...) show(#__VA_ARGS__, (__VA_ARGS__) == 0)

int main(void)
{
    char *p = map_served(16 * PAGE);
    char *hole = p + 4 * PAGE;
    fill(p, 16 * PAGE, 1);
    unmap(hole, 4 * PAGE);

    CALL(munmap(hole + 1, PAGE));
    CALL(munmap(hole, 0));
    CALL(mprotect(hole, PAGE, 0x4000));
    CALL(mprotect(hole + 1, PAGE, PROT_READ));
    CALL(mprotect(hole, 0, PROT_READ));
    CALL(madvise(hole, PAGE, 9999));
    CALL(madvise(hole + 1, PAGE, MADV_DONTNEED));
    CALL(madvise(hole, 0, MADV_DONTNEED));
    CALL(mlock2(hole, PAGE, 0x80));
    CALL(msync(hole, PAGE, 0x80));
    CALL(msync(hole, PAGE, MS_ASYNC | MS_SYNC));
    CALL(mincore(hole, PAGE, (unsigned char *)-1));
    CALL(mprotect(p, 16 * PAGE, 0x4000));
    CALL(madvise(p, 16 * PAGE, 9999));
    CALL(msync(p, 16 * PAGE, 0x80));
    CALL(mlock2(p, 16 * PAGE, 0x80));
    CALL(remap_file_pages(hole, PAGE, 0, 0, 0));

    puts(is_filled(p, 4 * PAGE, 1) && is_filled(p + 8 * PAGE, 8 * PAGE, 9) ? "unchanged"
                                                                           : "changed");
    unmap(p, 16 * PAGE);
    reuse(p, 16 * PAGE);
}
