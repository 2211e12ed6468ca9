#include "decay.h"

#include "chunk.h"
#include "config.h"
#include "os.h"
#include "purge.h"
#include "region.h"
#include "router.h"
#include "thread.h"

/* What goes back at one call, so that none takes long: 32 MB. */
#define PAGES_AT_ONCE ((size_t)8192)

/* Spans that are taken from idle threads at a time. */
#define TAKEN_MOST 128

/* Two periods take four fifths of DECAY_MS, which leaves some time to purge. */
#define PERIOD(decay_ms) ((decay_ms)*2 / 5)

static uint64_t period_end_ms;
static uint32_t period;

/* Pages that are still to go. */
static size_t due;

static void add_due(size_t npages)
{
    if (npages != 0)
        __atomic_fetch_add(&due, npages, __ATOMIC_RELAXED);
}

static void purge_due(void)
{
    size_t npages = __atomic_exchange_n(&due, 0, __ATOMIC_RELAXED);
    size_t now = min_size(npages, PAGES_AT_ONCE);
    add_due(npages - now);
    purge_some(now);
}

struct taken {
    struct run runs[TAKEN_MOST];
    size_t count;
};

/* From an arena whose owner has not looked at the clock since the period before the last began. */
static void take_from_idle(const PageArena *arena, void *context)
{
    struct taken *taken = context;
    uint32_t now = __atomic_load_n(&period, __ATOMIC_RELAXED);
    if (now - __atomic_load_n(&arena->period, __ATOMIC_RELAXED) == 2)
        taken->count +=
            router_take_cached(arena, taken->runs + taken->count, TAKEN_MOST - taken->count);
}

static void drain_idle(void)
{
    struct taken taken;
    do {
        taken.count = 0;
        thread_each_arena(take_from_idle, &taken);
        for (size_t i = 0; i < taken.count; i++) {
            region_free(taken.runs[i].first, taken.runs[i].npages);
            add_due(taken.runs[i].npages);
        }
    } while (taken.count == TAKEN_MOST);
}

/* One thread ends a period. */
static void end_period(uint64_t now)
{
    uint64_t end = __atomic_load_n(&period_end_ms, __ATOMIC_RELAXED);
    if (now < end ||
        !__atomic_compare_exchange_n(&period_end_ms, &end, now + PERIOD(g_config.decay_ms), false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    __atomic_fetch_add(&period, 1, __ATOMIC_RELAXED);
    add_due(region_restart_low_water());
    drain_idle();
}

size_t decay_interval_ms(void)
{
    return PERIOD(g_config.decay_ms) + 1;
}

bool decay_is_due(void)
{
    return __atomic_load_n(&due, __ATOMIC_RELAXED) != 0;
}

void decay_check(PageArena *arena)
{
    if (g_config.decay_ms == CONFIG_NEVER)
        return;
    end_period(os_now_ms());
    uint32_t now = __atomic_load_n(&period, __ATOMIC_RELAXED);
    if (arena != NULL && arena->period != now) {
        __atomic_store_n(&arena->period, now, __ATOMIC_RELAXED);
        add_due(router_decay(arena));
        add_due(chunk_decay(arena));
    }
    if (decay_is_due())
        purge_due();
}
