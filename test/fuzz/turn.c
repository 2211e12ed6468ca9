#include "turn.h"

#include <limits.h>
#include <linux/futex.h>
#include <time.h>

#include "sys.h"

void turn_give(enum turn to)
{
    __atomic_store_n(&g_shared->turn, (int)to, __ATOMIC_RELEASE);
    sys(SYS_futex, (long)&g_shared->turn, FUTEX_WAKE, INT_MAX, 0, 0, 0);
}

bool turn_await_for(enum turn mine, long milliseconds)
{
    struct timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    int now = __atomic_load_n(&g_shared->turn, __ATOMIC_ACQUIRE);
    if (now == (int)mine)
        return true;
    sys(SYS_futex, (long)&g_shared->turn, FUTEX_WAIT, now, (long)&timeout, 0, 0);
    return __atomic_load_n(&g_shared->turn, __ATOMIC_ACQUIRE) == (int)mine;
}

void turn_await(enum turn mine)
{
    while (!turn_await_for(mine, 1000))
        if (mine == TURN_SHIM && g_shared->on_difference != NULL &&
            __atomic_load_n(&g_shared->turn, __ATOMIC_ACQUIRE) == TURN_CONTROLLER)
            g_shared->on_difference();
}
