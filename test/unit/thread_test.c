#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "space.h"
#include "unit.h"

/* A busy machine may keep the holder of a lock from running until others give up: try again. */
static struct range map(size_t nbytes)
{
    void *addr = space_map(nbytes);
    for (int i = 0; addr == NULL && i < 3000; i++) {
        usleep(1000);
        addr = space_map(nbytes);
    }
    CHECK(addr != NULL && unit_is_zero(addr, nbytes));
    unit_fill(addr, nbytes, 1);
    return range_of(addr, nbytes);
}

static bool filled(struct range range)
{
    return unit_filled((void *)range.start, range.end - range.start, 1);
}

static size_t narenas;

static void count_arena(const PageArena *arena, void *context)
{
    (void)arena;
    (void)context;
    narenas++;
}

static size_t count_arenas(void)
{
    narenas = 0;
    thread_each_arena(count_arena, NULL, true);
    return narenas;
}

static void map_and_unmap_a_little(size_t index)
{
    (void)index;
    CHECK(g_page_arena == NULL);
    for (size_t npages = 1; npages <= 512; npages *= 2)
        space_unmap(map(npages * PAGE_BYTES));
    CHECK(g_page_arena != NULL);
}

static size_t narrived;

/* Three at a time. */
static void have_an_arena_together(size_t index)
{
    map_and_unmap_a_little(index);
    size_t wanted = __atomic_fetch_add(&narrived, 1, __ATOMIC_ACQ_REL) / 3 * 3 + 3;
    while (__atomic_load_n(&narrived, __ATOMIC_ACQUIRE) < wanted)
        usleep(100);
}

static void arenas_are_made_on_first_use_and_recycled(void)
{
    unit_start("REGION=64M");
    CHECK(g_page_arena == NULL);
    CHECK_EQUAL(count_arenas(), 0);
    space_unmap(map(PAGE_BYTES));
    CHECK_EQUAL(count_arenas(), 1);
    for (int i = 0; i < 10; i++)
        unit_threads(1, map_and_unmap_a_little);
    CHECK_EQUAL(count_arenas(), 2);
    for (int i = 0; i < 4; i++)
        unit_threads(3, have_an_arena_together);
    CHECK_EQUAL(count_arenas(), 4);
    /* All they had is back; the calling thread has its page. */
    CHECK_EQUAL(page_map_count(PAGE_CACHED, 0, region_used_pages()), 1);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, region_used_pages()), region_used_pages() - 1);
}

static pthread_key_t late_key;
static struct range late;

/* Acts in a second round of exit handlers, after the library's own. */
static void use_late(void *value)
{
    size_t rounds = (size_t)value;
    if (rounds > 1) {
        pthread_setspecific(late_key, (void *)(rounds - 1));
        return;
    }
    CHECK(space_map(PAGE_BYTES) == NULL);
    space_unmap(late);
    CHECK(!space_is_live(late));
}

static void exit_with_late_handler(size_t index)
{
    (void)index;
    late = map(10 * PAGE_BYTES);
    CHECK(pthread_setspecific(late_key, (void *)2) == 0);
}

static void calls_after_the_exit_handler(void)
{
    unit_start("REGION=64M");
    CHECK(pthread_key_create(&late_key, use_late) == 0);
    unit_threads(1, exit_with_late_handler);
    CHECK_EQUAL(map(10 * PAGE_BYTES).start, late.start);
    CHECK_EQUAL(page_map_next_in_flight(0, region_used_pages()).npages, 0);
}

static void expect_nothing(size_t index)
{
    (void)index;
    fake_fail(SYS_mmap, 1, FAKE_EVER, ENOMEM);
    CHECK(space_map(PAGE_BYTES) == NULL);
    fake_fail(SYS_mmap, 1, 0, 0);
    CHECK(space_map(PAGE_BYTES) == NULL); /* once and for all */
    space_unmap(late);
}

static void no_memory_for_an_arena(void)
{
    unit_start("REGION=64M");
    late = map(10 * PAGE_BYTES);
    unit_threads(1, expect_nothing);
    CHECK_EQUAL(map(10 * PAGE_BYTES).start, late.start);
}

/* The bounds, and how much of them is cached in all arenas. */
static const size_t sizes[] = {1, SPAN_64K_PAGES, SPAN_128K_PAGES, SPAN_2M_PAGES};
static const size_t bounds[] = {64, 16, 8, 4};
static size_t cached[4];

static void add_quota(const PageArena *arena, void *context)
{
    size_t *quotas = context;
    quotas[0] += __atomic_load_n(&arena->hot.pages.quota, __ATOMIC_RELAXED);
    for (int i = 0; i < WARM_SIZES; i++)
        quotas[1 + i] += __atomic_load_n(&arena->warm.spans[i].quota, __ATOMIC_RELAXED);
}

static void add_count(const PageArena *arena, void *context)
{
    (void)context;
    cached[0] += arena->hot.pages.count;
    for (int i = 0; i < WARM_SIZES; i++)
        cached[1 + i] += arena->warm.spans[i].count;
}

static size_t waiting;
static bool go_on;

/* With so many threads a lock may be given up, and the kernel would serve. */
static void fill_caches(size_t index)
{
    void *spans[8];
    (void)index;
    for (int size = 0; size < 4; size++) {
        size_t count = size == 3 ? 2 : 8;
        for (size_t i = 0; i < count; i++)
            spans[i] = space_map(sizes[size] * PAGE_BYTES);
        for (size_t i = 0; i < count; i++)
            if (spans[i] != NULL)
                space_unmap(range_of(spans[i], sizes[size] * PAGE_BYTES));
    }
    __atomic_fetch_add(&waiting, 1, __ATOMIC_ACQ_REL);
    while (!__atomic_load_n(&go_on, __ATOMIC_ACQUIRE))
        usleep(1000);
}

#define NTHREADS 50

static void *check_bounds(void *unused)
{
    (void)unused;
    while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) < NTHREADS)
        usleep(1000);
    thread_each_arena(add_count, NULL, true);
    for (int size = 0; size < 4; size++) {
        CHECK(cached[size] <= bounds[size]);
        CHECK(cached[size] >= bounds[size] / 2);
    }
    size_t quotas[4] = {0};
    thread_each_arena(add_quota, quotas, true);
    for (int size = 0; size < 4; size++)
        CHECK(quotas[size] <= bounds[size]);
    __atomic_store_n(&go_on, true, __ATOMIC_RELEASE);
    return NULL;
}

static void bounds_are_the_process_s(void)
{
    pthread_t checker;
    unit_start("REGION=1G HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4");
    CHECK(pthread_create(&checker, NULL, check_bounds, NULL) == 0);
    unit_threads(NTHREADS, fill_caches);
    CHECK(pthread_join(checker, NULL) == 0);
    space_unmap(map(600 * PAGE_BYTES));
    CHECK_EQUAL(page_map_count(PAGE_CACHED, 0, region_used_pages()), 0);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, region_used_pages()), region_used_pages());
}

static struct range interrupted;

static void use_in_handler(int signal)
{
    (void)signal;
    CHECK(thread_enter() == NULL);
    CHECK(space_map(PAGE_BYTES) == NULL);
    space_unmap(interrupted);
}

static void handler_is_turned_away(void)
{
    unit_start("REGION=64M");
    interrupted = map(20 * PAGE_BYTES);
    struct range kept = map(20 * PAGE_BYTES);
    CHECK(signal(SIGUSR1, use_in_handler) != SIG_ERR);
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    CHECK(raise(SIGUSR1) == 0);
    thread_leave(arena);
    CHECK(!space_is_live(interrupted) && filled(kept));
    CHECK_EQUAL(map(20 * PAGE_BYTES).start, interrupted.start);
}

#define NSLOTS 16
static struct range slots[NSLOTS];
static size_t nsignals;

/* Maps where it can, unmaps what the interrupted code has put down for it. */
static void work_in_handler(int signal)
{
    (void)signal;
    void *addr = space_map(64 * KIB);
    if (addr != NULL) {
        CHECK(unit_is_zero(addr, 64 * KIB));
        unit_fill(addr, 64 * KIB, 2);
        space_unmap(range_of(addr, 64 * KIB));
    }
    size_t slot = nsignals++ % NSLOTS;
    struct range range = slots[slot];
    if (range.start != range.end) {
        CHECK(filled(range));
        slots[slot] = (struct range){0, 0};
        space_unmap(range);
    }
}

/* Signals at any instruction of the library. */
static void handlers_at_any_point(void)
{
    struct unit_random random = unit_random_seeded(unit_seed(1));
    sigset_t alarms;
    unit_start("REGION=256M");
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGVTALRM);
    CHECK(signal(SIGVTALRM, work_in_handler) != SIG_ERR);
    struct itimerval often = {{0, 300}, {0, 300}};
    CHECK(setitimer(ITIMER_VIRTUAL, &often, NULL) == 0);
    for (size_t i = 0, end = unit_steps(3000); i < end; i++) {
        struct range range = map((1 + unit_random_below(&random, 80)) * PAGE_BYTES);
        struct range small = map(PAGE_BYTES);
        space_unmap(small);
        CHECK(filled(range));
        CHECK(sigprocmask(SIG_BLOCK, &alarms, NULL) == 0);
        struct range *slot = &slots[i % NSLOTS];
        bool taken = slot->start != slot->end;
        if (!taken)
            *slot = range;
        CHECK(sigprocmask(SIG_UNBLOCK, &alarms, NULL) == 0);
        if (taken)
            space_unmap(range);
    }
    often = (struct itimerval){0};
    CHECK(setitimer(ITIMER_VIRTUAL, &often, NULL) == 0);
    CHECK(nsignals > 0);
    for (int i = 0; i < NSLOTS; i++)
        space_unmap(slots[i]);
    map(PAGE_BYTES);
    size_t used = region_used_pages();
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, used), 1);
    CHECK_EQUAL(page_map_next_in_flight(0, used).npages, 0);
}

UNIT_MAIN(UNIT_CASE(arenas_are_made_on_first_use_and_recycled),
          UNIT_CASE(calls_after_the_exit_handler), UNIT_CASE(no_memory_for_an_arena),
          UNIT_CASE(bounds_are_the_process_s), UNIT_CASE(handler_is_turned_away),
          UNIT_CASE(handlers_at_any_point))
