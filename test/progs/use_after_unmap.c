/* Unmapped memory faults. The one behaviour that the arena has with GUARD=1 only. */
#include <setjmp.h>
#include <signal.h>

#include "prog.h"

static sigjmp_buf fault;

static void on_fault(int signal)
{
    siglongjmp(fault, signal);
}

static bool faults(volatile char *p)
{
    if (sigsetjmp(fault, 1) != 0)
        return true;
    *p = 1;
    return false;
}

int main(void)
{
    static const size_t npages[] = {1, 2, 16, 32, 40, 512, 2048};
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, NULL);
    for (size_t i = 0; i < COUNT(npages); i++) {
        size_t nbytes = npages[i] * PAGE;
        char *p = map_served(nbytes);
        fill(p, nbytes, 1);
        unmap(p, nbytes);
        expect(faults(p) && faults(p + nbytes / 2) && faults(p + nbytes - 1));
        p = map_served(nbytes);
        expect(is_zero(p, nbytes));
        fill(p, nbytes, 2);
        unmap(p + nbytes / PAGE / 2 * PAGE, PAGE);
        expect(faults(p + nbytes / PAGE / 2 * PAGE));
        unmap(p, nbytes);
    }
    puts("faults");
}
