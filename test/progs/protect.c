/* Protections hold while a page is mapped and are gone when it is reused; contents survive them. */
#include <setjmp.h>
#include <signal.h>

#include "prog.h"

static sigjmp_buf fault;

static void on_fault(int signal)
{
    siglongjmp(fault, signal);
}

static bool can_read(volatile char *p)
{
    if (sigsetjmp(fault, 1) != 0)
        return false;
    (void)*p;
    return true;
}

static bool can_write(volatile char *p)
{
    if (sigsetjmp(fault, 1) != 0)
        return false;
    *p = *p;
    return true;
}

static void cycle(size_t npages, size_t from, size_t to, int prot)
{
    char *p = map_served(npages * PAGE);
    char *at = p + from * PAGE;
    size_t nbytes = (to - from) * PAGE;
    fill(p, npages * PAGE, 1);
    expect(mprotect(at, nbytes, prot) == 0);
    expect(can_read(at) == (prot != PROT_NONE));
    expect(can_write(at) == ((prot & PROT_WRITE) != 0));
    expect(from == 0 || can_write(at - 1));
    expect(to == npages || can_write(at + nbytes));
    expect(mprotect(at, nbytes, RW) == 0);
    expect(is_filled(p, npages * PAGE, 1));
    expect(mprotect(at, nbytes, prot) == 0);
    unmap(at, nbytes);
    unmap(p, npages * PAGE);
    reuse(p, npages * PAGE);
    char *q = map_served(npages * PAGE);
    expect(is_zero(q, npages * PAGE));
    fill(q, npages * PAGE, 2);
    unmap(q, npages * PAGE);
}

int main(void)
{
    static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC, RW | PROT_EXEC, RW};
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, NULL);
    for (size_t i = 0; i < COUNT(prots); i++) {
        cycle(1, 0, 1, prots[i]);
        cycle(16, 0, 16, prots[i]);
        cycle(16, 15, 16, prots[i]);
        cycle(40, 10, 20, prots[i]);
        cycle(512, 100, 300, prots[i]);
    }
    puts("contents ok");
}
