#include "fault.h"

#include <signal.h>
#include <sys/syscall.h>

#include "space.h"

/*
 * Returning from here, the access faults again, and the default action takes place as if there had been
 * no handler: status, core and all. A signal that somebody has sent is sent once more.
 */
static void on_fault(int number, siginfo_t *info, void *context)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    bool faulted = info->si_code > 0;
    (void)context;
    if (faulted)
        guard_report((uintptr_t)info->si_addr);
    sigaction(number, &standard, NULL);
    if (!faulted)
        os_syscall(SYS_rt_tgsigqueueinfo, os_process_id(), os_thread_id(), number, (long)info, 0,
                   0);
}

void fault_start(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    if (sigaction(SIGSEGV, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        sigaction(SIGSEGV, &action, NULL);
}
