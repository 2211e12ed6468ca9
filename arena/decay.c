#include "decay.h"

#include "block.h"
#include "budget.h"
#include "cache.h"
#include "cgroup.h"
#include "config.h"
#include "os.h"
#include "purge.h"
#include "region.h"
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

/*
 * Where the control group has a limit, this share of it and half of what is left may be retained.
 * Programs that retain little do not even ask.
 */
#define LIMIT_SHARE 8
#define ASKING_LEAST ((size_t)2048)
#define ASKING_MS 1000

static void heed_limit(uint64_t now)
{
    static uint64_t next_ms;
    size_t dirty = region_dirty_pages();
    uint64_t next = __atomic_load_n(&next_ms, __ATOMIC_RELAXED);
    if (dirty < ASKING_LEAST || now < next ||
        !__atomic_compare_exchange_n(&next_ms, &next, now + ASKING_MS, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    struct cgroup_memory memory = cgroup_memory();
    size_t left = memory.left / PAGE_BYTES;
    size_t most = min_size(memory.limit / PAGE_BYTES / LIMIT_SHARE, left / 2 + dirty / 2);
    budget_limit(memory.limit != SIZE_MAX ? most : SIZE_MAX);
    purge_excess();
}

struct taken {
    struct run runs[TAKEN_MOST];
    size_t count;
};

/*
 * From an arena whose owner has not looked at the clock since the period before the last began. One
 * that was emptied, and has made no call since, is passed over. One thread at a time does this.
 */
static void take_from_idle(const PageArena *arena, void *context)
{
    struct taken *taken = context;
    uint64_t *emptied = &((PageArena *)arena)->emptied;
    uint32_t seen = __atomic_load_n(&arena->period, __ATOMIC_RELAXED);
    uint64_t state = (uint64_t)seen << 32 | __atomic_load_n(&arena->until_look, __ATOMIC_RELAXED);
    if (__atomic_load_n(&period, __ATOMIC_RELAXED) - seen < 2 || *emptied == state)
        return;
    taken->count += cache_steal(arena, taken->runs + taken->count, TAKEN_MOST - taken->count);
    if (taken->count < TAKEN_MOST)
        *emptied = state;
}

/* What goes to the region only now, where other chunks can be had of it, was free in the arena all the while. */
static void decay_blocks(PageArena *arena)
{
    size_t before = region_dirty_pages();
    add_due(block_decay(arena));
    size_t after = region_dirty_pages();
    if (after > before)
        region_raise_low_water(after - before);
}

static void drain_idle(void)
{
    struct taken taken;
    do {
        taken.count = 0;
        thread_each_arena(take_from_idle, &taken, true);
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
    uint64_t now_ms = os_now_ms();
    if (arena != NULL)
        heed_limit(now_ms);
    end_period(now_ms);
    uint32_t now = __atomic_load_n(&period, __ATOMIC_RELAXED);
    if (arena != NULL && arena->period != now) {
        __atomic_store_n(&arena->period, now, __ATOMIC_RELAXED);
        add_due(cache_decay(arena));
        decay_blocks(arena);
    }
    if (decay_is_due())
        purge_due();
}
