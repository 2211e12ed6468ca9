#include "start.h"

#include <sys/resource.h>

#include "block.h"
#include "budget.h"
#include "config.h"
#include "guard.h"
#include "huge.h"
#include "lock.h"
#include "os.h"
#include "publish.h"
#include "region.h"
#include "thread.h"
#include "trace.h"
#include "zero.h"

enum { NOT_STARTED, UP, DOWN };

static struct lock lock;
static int state;

static bool bring_up(void)
{
    os_init();
    config_load();
    config_log();
    budget_init();
    /* What is retained would count against RLIMIT_DATA, and libc's own requests fail by it. */
    if (os_limit(RLIMIT_DATA) != SIZE_MAX || !region_init(g_config.region))
        return false;
    huge_init();
    if (!zero_selftest() || !block_init() || !thread_init())
        return false;
    guard_init();
    trace_init();
    publish_init();
    return true;
}

bool start_arena(void)
{
    int now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
    if (likely(now != NOT_STARTED))
        return now == UP;
    if (!lock_acquire(&lock))
        return false;
    if (state == NOT_STARTED)
        __atomic_store_n(&state, bring_up() ? UP : DOWN, __ATOMIC_RELEASE);
    now = state;
    lock_release(&lock);
    return now == UP;
}
