#include "fault.h"

#include <unistd.h>

static bool in_child;

void fault_in_child(void)
{
    in_child = true;
}

void fault_say(const struct fault *fault)
{
    if (__atomic_exchange_n(&g_common->said, 1, __ATOMIC_ACQ_REL) != 0)
        for (;;)
            pause();
    g_common->fault = *fault;
    g_common->fault.in_child = in_child;
    _exit(STATUS_FAULT);
}
