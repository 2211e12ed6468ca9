#include "decay.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "budget.h"
#include "chunk.h"
#include "config.h"
#include "fake_kernel.h"
#include "purge.h"
#include "region.h"
#include "space.h"
#include "thread.h"
#include "unit.h"

static long now_ms = 1000;

static long clock_of_test(const long *arguments)
{
    long now = __atomic_load_n(&now_ms, __ATOMIC_RELAXED);
    struct timespec *time = (struct timespec *)arguments[1];
    *time = (struct timespec){now / 1000, now % 1000 * 1000000};
    return 0;
}

static void set_up(const char *knobs)
{
    fake_handle(SYS_clock_gettime, clock_of_test);
    unit_start(knobs);
}

/* Lets time pass in small steps, with a call in each. */
static void pass(long ms)
{
    for (long step = 0; step < ms; step += 100) {
        __atomic_fetch_add(&now_ms, 100, __ATOMIC_RELAXED);
        for (int i = 0; i < 32; i++)
            space_unmap(range_of(space_map(3 * PAGE_BYTES), 3 * PAGE_BYTES));
    }
}

static size_t retained(void)
{
    return region_dirty_pages() + page_map_count(PAGE_CACHED, 0, region_used_pages());
}

/* Maps, fills and unmaps so many spans. */
static void burst(size_t count, size_t nbytes)
{
    enum { MOST = 64 };
    void *spans[MOST];
    CHECK(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        spans[i] = space_map(nbytes);
        unit_fill(spans[i], nbytes, 1);
    }
    for (size_t i = 0; i < count; i++)
        space_unmap(range_of(spans[i], nbytes));
}

static void check_decays(size_t count, size_t nbytes)
{
    unit_context("%zu spans of %zu bytes", count, nbytes);
    pass(20000);
    burst(count, nbytes);
    size_t before = retained();
    CHECK(before >= count * nbytes / PAGE_BYTES / 2);
    pass(3000);
    CHECK_EQUAL(retained() >= before, true);
    pass(7500);
    CHECK(retained() <= 16);
}

static void what_is_of_no_use_goes(void)
{
    set_up("REGION=512M");
    check_decays(64, PAGE_BYTES);
    check_decays(20, 64 * KIB);
    check_decays(20, 128 * KIB);
    check_decays(16, 2 * MIB);
    check_decays(20, 300 * KIB);
    check_decays(4, 16 * MIB);
}

static void what_is_used_stays(void)
{
    set_up("REGION=512M");
    burst(16, 2 * MIB);
    burst(20, 300 * KIB);
    uint64_t calls = fake_count(SYS_madvise);
    for (int i = 0; i < 20; i++) {
        pass(2000);
        burst(16, 2 * MIB);
        burst(20, 300 * KIB);
    }
    CHECK(fake_count(SYS_madvise) - calls < 20);
}

/* The part that is in use all the time stays, what lies below it in the stack goes. */
static void bottom_of_a_stack_goes(void)
{
    set_up("REGION=512M");
    burst(16, 2 * MIB);
    for (int i = 0; i < 100; i++) {
        pass(100);
        burst(2, 2 * MIB);
    }
    CHECK(retained() >= 2 * SUPER_PAGES);
    CHECK(retained() <= 3 * SUPER_PAGES);
}

static void never_is_never(void)
{
    set_up("REGION=512M DECAY_MS=-1");
    burst(16, 2 * MIB);
    size_t before = retained();
    pass(4000000);
    CHECK(retained() >= before);
}

static void nothing_is_retained_at_all(void)
{
    set_up("REGION=512M DECAY_MS=0");
    burst(16, 2 * MIB);
    burst(20, 64 * KIB);
    burst(20, PAGE_BYTES);
    CHECK_EQUAL(retained(), 0);
}

static void check_blocks(size_t nbytes)
{
    enum { COUNT = 100 };
    void *blocks[COUNT];
    unit_context("blocks of %zu bytes", nbytes);
    for (int i = 0; i < COUNT; i++)
        unit_fill(blocks[i] = space_block(nbytes, 16, false), nbytes, 1);
    for (int i = 0; i < COUNT; i++)
        space_block_free(blocks[i]);
    size_t kept = chunk_free_units(g_page_arena) - chunk_unused_units(g_page_arena);
    CHECK(kept / PAGE_UNITS + retained() >= COUNT * nbytes / PAGE_BYTES / 2);
    pass(10500);
    kept = chunk_free_units(g_page_arena) - chunk_unused_units(g_page_arena);
    CHECK(kept / PAGE_UNITS + retained() <= 100);
}

static void blocks_go(void)
{
    set_up("REGION=512M");
    check_blocks(20000);
    check_blocks(100000);
    check_blocks(300000);
}

static pthread_barrier_t barrier;

static void *idle(void *unused)
{
    (void)unused;
    pass(100);
    burst(8, 2 * MIB);
    burst(10, 64 * KIB);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    burst(8, 2 * MIB);
    return NULL;
}

/* Puts on its stacks, after a rest, without a look at the clock. */
static void *idle_then_free(void *unused)
{
    void *spans[10];
    (void)unused;
    burst(10, 64 * KIB);
    for (int i = 0; i < 10; i++)
        unit_fill(spans[i] = space_map(64 * KIB), 64 * KIB, 1);
    g_page_arena->until_look = 1000;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 10; i++)
        space_unmap(range_of(spans[i], 64 * KIB));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* Returns when it is idle. */
static pthread_t start(void *(*function)(void *))
{
    pthread_t thread;
    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, function, NULL) == 0);
    pthread_barrier_wait(&barrier);
    return thread;
}

static void what_idle_threads_free_is_drained(void)
{
    set_up("REGION=512M");
    pass(100);
    pthread_t thread = start(idle_then_free);
    pass(30000);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    CHECK(page_map_count(PAGE_CACHED, 0, region_used_pages()) >= 10 * SPAN_64K_PAGES);
    pass(15000);
    CHECK(retained() <= 16);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Another thread's traffic empties the caches of one that does nothing, which can go on afterwards. */
static void idle_threads_are_drained(void)
{
    set_up("REGION=512M");
    pthread_t thread = start(idle);
    CHECK(page_map_count(PAGE_CACHED, 0, region_used_pages()) >= 8 * SUPER_PAGES);
    pass(15000);
    CHECK(retained() <= 16);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void churn(size_t index)
{
    struct unit_random random = unit_random_seeded(index);
    for (int i = 0; i < 300; i++) {
        __atomic_fetch_add(&now_ms, (long)unit_random_below(&random, 3000), __ATOMIC_RELAXED);
        size_t nbytes = (size_t)64 * KIB << unit_random_below(&random, 6);
        char *spans[4];
        for (int k = 0; k < 4; k++) {
            spans[k] = space_map(nbytes);
            CHECK(unit_is_zero(spans[k], nbytes));
            unit_fill(spans[k], nbytes, index + 1);
        }
        for (int k = 0; k < 4; k++)
            space_unmap(range_of(spans[k], nbytes));
    }
}

static void threads_race(void)
{
    set_up("REGION=512M DECAY_MS=100");
    unit_threads(4, churn);
}

static void no_clock_no_decay(void)
{
    fake_fail(SYS_clock_gettime, 1, FAKE_EVER, 22);
    unit_start("REGION=512M");
    burst(16, 2 * MIB);
    pass(30000);
    CHECK(retained() >= 16 * SUPER_PAGES);
}

UNIT_MAIN(UNIT_CASE(what_is_of_no_use_goes), UNIT_CASE(what_is_used_stays),
          UNIT_CASE(bottom_of_a_stack_goes), UNIT_CASE(never_is_never),
          UNIT_CASE(nothing_is_retained_at_all), UNIT_CASE(blocks_go),
          UNIT_CASE(idle_threads_are_drained), UNIT_CASE(what_idle_threads_free_is_drained),
          UNIT_CASE(threads_race), UNIT_CASE(no_clock_no_decay))
