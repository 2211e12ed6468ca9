/*
 * Blocks at random: against a model of who has which units, contents included, for one thread with
 * two arenas; and with threads that free each other's, end, and leave blocks behind.
 *
 * UNIT_SEED=n UNIT_STEPS=m build/test/unit/block_random_test.asan [case] repeats or extends a run.
 */
#include <pthread.h>

#include "block.h"
#include "block_tag.h"
#include "budget.h"
#include "chunk.h"
#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "router.h"
#include "space.h"
#include "thread.h"
#include "unit.h"

#define BLOCKS_MOST 300
#define REGION_UNITS (256 * MIB / UNIT_BYTES)
#define CHECK_EVERY 500

/* The first `filled` bytes are known. */
struct block {
    char *start;
    size_t bytes;
    size_t filled;
    uint16_t tag;
};

static bool is_in_block(size_t page)
{
    return page < max_size(block_end_at(page), block_end_before(page));
}

static struct block blocks[BLOCKS_MOST];
static size_t nblocks;
static bool owned[REGION_UNITS];

static PageArena arenas[2];
static struct unit_random dice;
static uint64_t seed;

static size_t below(size_t bound)
{
    return unit_random_below(&dice, bound);
}

static bool chance(size_t percent)
{
    return below(100) < percent;
}

static PageArena *any_arena(void)
{
    return &arenas[below(2)];
}

static size_t unit_of(const void *block)
{
    return ((uintptr_t)block - g_region.base) / UNIT_BYTES;
}

static void set_owned(const void *from, size_t bytes, bool value)
{
    size_t first = unit_of(from);
    for (size_t unit = first; unit < first + bytes / UNIT_BYTES; unit++) {
        CHECK_EQUAL(owned[unit], !value);
        owned[unit] = value;
    }
}

static size_t size_below(struct unit_random *random, bool large)
{
    size_t kind = unit_random_below(random, 100);
    if (kind < 50)
        return BLOCK_LEAST + unit_random_below(random, 12000);
    if (kind < 85)
        return BLOCK_LEAST + unit_random_below(random, 60000);
    return BLOCK_LEAST + unit_random_below(random, !large ? 140000 : kind < 99 ? 250000 : 3 * MIB);
}

static void check(const struct block *block)
{
    CHECK_EQUAL(block_bytes(block->start), block->bytes);
    CHECK(unit_filled(block->start, block->filled, block->tag));
}

static void fill(struct block *block)
{
    block->tag = (uint16_t)(1 + below(65535));
    block->filled = block->bytes;
    unit_fill(block->start, block->bytes, block->tag);
}

static void alloc(void)
{
    size_t nbytes = size_below(&dice, true);
    size_t alignment = chance(10) ? (size_t)1 << below(18) : 1;
    bool zero = chance(40);
    struct block *block = &blocks[nblocks++];
    block->start = block_alloc(any_arena(), nbytes, alignment, zero);
    CHECK(block->start != NULL);
    CHECK_EQUAL((uintptr_t)block->start % max_size(alignment, UNIT_BYTES), 0);
    block->bytes = block_bytes(block->start);
    CHECK(block->bytes >= nbytes && block->bytes < nbytes + nbytes / 8 + PAGE_BYTES);
    CHECK(!zero || unit_is_zero(block->start, block->bytes));
    set_owned(block->start, block->bytes, true);
    fill(block);
}

static void release(struct block *block)
{
    PageArena *arena = any_arena();
    PageArena *owner = NULL;
    /* With neither arena nor owner the edges of it are lost. */
    if (block->bytes <= RUN_MOST * UNIT_BYTES && chance(5))
        chunk_own(NULL, unit_of(block->start), &owner);
    check(block);
    set_owned(block->start, block->bytes, false);
    block_free(owner != NULL ? NULL : arena, block->start);
    *block = blocks[--nblocks];
}

static void resize(struct block *block)
{
    size_t before = block->bytes;
    size_t nbytes = chance(50) ? BLOCK_LEAST + below(before) : before + below(before);
    check(block);
    if (!block_resize(any_arena(), block->start, nbytes)) {
        CHECK_EQUAL(block_bytes(block->start), before);
        return;
    }
    block->bytes = block_bytes(block->start);
    CHECK(block->bytes >= nbytes && block->bytes < nbytes + PAGE_BYTES);
    if (block->bytes > before)
        set_owned(block->start + before, block->bytes - before, true);
    else
        set_owned(block->start + block->bytes, before - block->bytes, false);
    block->filled = min_size(block->filled, block->bytes);
    check(block);
    if (chance(50))
        fill(block);
}

/* What one leaves for the other in the first round is there in the second. */
static void flush_both(void)
{
    for (int i = 0; i < 4; i++)
        block_flush(&arenas[i % 2]);
}

/* Every page is live if a block has a part of it. */
static void check_all(void)
{
    for (size_t i = 0; i < nblocks; i++)
        check(&blocks[i]);
    for (size_t page = 0; page < region_used_pages(); page++) {
        bool any = false;
        for (size_t i = 0; i < PAGE_UNITS; i++)
            any |= owned[page * PAGE_UNITS + i];
        CHECK(!any || page_map_any(PAGE_LIVE, page, 1));
        CHECK(!any || is_in_block(page));
    }
}

static void check_flushed(void)
{
    flush_both();
    for (int i = 0; i < 2; i++) {
        CHECK_EQUAL(arenas[i].blocks.nremote, 0);
        CHECK_EQUAL(arenas[i].blocks.remote, 0);
        CHECK(arenas[i].blocks.nunused <= arenas[i].blocks.nfree);
    }
    for (size_t page = 0; page < region_used_pages(); page++) {
        bool any = false;
        for (size_t i = 0; i < PAGE_UNITS; i++)
            any |= owned[page * PAGE_UNITS + i];
        CHECK_EQUAL(is_in_block(page), any);
        CHECK_EQUAL(page_map_any(PAGE_LIVE, page, 1), any);
    }
}

static void expect_all_free(void)
{
    size_t used = region_used_pages();
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, used) + page_map_count(PAGE_CACHED, 0, used), used);
}

static void step(size_t most)
{
    size_t kind = below(1000);
    if (nblocks == 0 || (kind < 500 && nblocks < most))
        alloc();
    else if (kind < 850 || nblocks == most)
        release(&blocks[below(nblocks)]);
    else if (kind < 990)
        resize(&blocks[below(nblocks)]);
    else if (kind < 994)
        block_flush(any_arena());
    else
        block_abandon(any_arena(), true);
}

static void drive(const char *settings, bool scarce, size_t most, uint64_t standard_seed)
{
    unit_start(settings);
    seed = unit_seed(standard_seed);
    dice = unit_random_seeded(seed);
    CHECK(router_init_arena(&arenas[0]) && router_init_arena(&arenas[1]));
    while (scarce && budget_grant_pages(1))
        continue;
    for (size_t i = 0, end = unit_steps(UNIT_TSAN ? 2000 : 10000); i < end; i++) {
        unit_context("UNIT_SEED=%lu, step %zu of %zu", seed, i, end);
        step(most);
        if (i % CHECK_EVERY == 0)
            check_all();
        if (i % (4 * CHECK_EVERY) == 0)
            check_flushed();
    }
    while (nblocks != 0)
        release(&blocks[below(nblocks)]);
    check_flushed();
    expect_all_free();
}

static void two_arenas(void)
{
    drive("REGION=256M", false, BLOCKS_MOST, 1);
}

static void two_arenas_with_nothing_kept(void)
{
    drive("REGION=256M WARM_2M=4", true, BLOCKS_MOST, 2);
}

static void few_blocks_with_nothing_kept(void)
{
    drive("REGION=256M HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4", true, 20, 3);
}

static void guarded(void)
{
    drive("REGION=256M GUARD=1", false, 40, 4);
}

#define NTHREADS 4
#define ROUNDS 12
#define HELD_MOST 60

static pthread_mutex_t mailbox_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block mailbox[256];
static size_t nmailbox;
static size_t round_number;

struct worker {
    struct unit_random dice;
    struct block held[HELD_MOST];
    size_t nheld;
};

/* Where TSan sees it, which does not look at what unit_fill writes. */
static void touch(const struct block *block)
{
    for (size_t i = 0; i < block->bytes; i += UNIT_BYTES)
        *(volatile char *)(block->start + i) = *(volatile char *)(block->start + i);
}

static void thread_fill(struct worker *worker, struct block *block)
{
    block->tag = (uint16_t)(1 + unit_random_below(&worker->dice, 65535));
    block->filled = block->bytes;
    touch(block);
    unit_fill(block->start, block->bytes, block->tag);
}

static void thread_alloc(struct worker *worker)
{
    bool zero = unit_random_below(&worker->dice, 3) == 0;
    struct block *block = &worker->held[worker->nheld];
    block->start = space_block(size_below(&worker->dice, false), 1, zero);
    if (block->start == NULL)
        return;
    worker->nheld++;
    block->bytes = block_bytes(block->start);
    CHECK(!zero || unit_is_zero(block->start, block->bytes));
    thread_fill(worker, block);
}

static void thread_free(struct worker *worker)
{
    struct block *block = &worker->held[unit_random_below(&worker->dice, worker->nheld)];
    touch(block);
    check(block);
    space_block_free(block->start);
    *block = worker->held[--worker->nheld];
}

static void thread_resize(struct worker *worker)
{
    struct block *block = &worker->held[unit_random_below(&worker->dice, worker->nheld)];
    size_t nbytes = size_below(&worker->dice, false);
    check(block);
    if (!space_block_resize(block->start, nbytes))
        return;
    CHECK(unit_filled(block->start, min_size(block->filled, nbytes), block->tag));
    block->bytes = block_bytes(block->start);
    thread_fill(worker, block);
}

static void exchange(struct worker *worker)
{
    CHECK(pthread_mutex_lock(&mailbox_lock) == 0);
    while (worker->nheld > HELD_MOST / 4 && nmailbox < sizeof mailbox / sizeof *mailbox)
        mailbox[nmailbox++] = worker->held[--worker->nheld];
    for (size_t i = 0; i < HELD_MOST / 4 && nmailbox > 0 && worker->nheld < HELD_MOST; i++) {
        struct block *block = &mailbox[unit_random_below(&worker->dice, nmailbox)];
        worker->held[worker->nheld++] = *block;
        *block = mailbox[--nmailbox];
    }
    CHECK(pthread_mutex_unlock(&mailbox_lock) == 0);
}

/* Some end early, and all leave what they have to others. */
static void work(size_t index)
{
    struct worker worker = {.dice = unit_random_seeded(seed * 100 + round_number * 10 + index)};
    size_t steps = unit_steps(UNIT_TSAN ? 1200 : 3000) / (1 + index);
    for (size_t i = 0; i < steps; i++) {
        size_t kind = unit_random_below(&worker.dice, 100);
        if (worker.nheld == 0 || (kind < 48 && worker.nheld < HELD_MOST))
            thread_alloc(&worker);
        else if (kind < 80)
            thread_free(&worker);
        else if (kind < 90)
            thread_resize(&worker);
        else if (kind < 95)
            exchange(&worker);
        else
            check(&worker.held[unit_random_below(&worker.dice, worker.nheld)]);
    }
    CHECK(pthread_mutex_lock(&mailbox_lock) == 0);
    while (worker.nheld != 0 && nmailbox < sizeof mailbox / sizeof *mailbox)
        mailbox[nmailbox++] = worker.held[--worker.nheld];
    CHECK(pthread_mutex_unlock(&mailbox_lock) == 0);
    while (worker.nheld != 0)
        thread_free(&worker);
}

static void expect_no_blocks(size_t index)
{
    (void)index;
    block_flush(thread_enter());
    router_flush(g_page_arena);
    CHECK_EQUAL(g_page_arena->blocks.nremote, 0);
    thread_leave(g_page_arena);
}

/* Every arena there is takes what was left for it, by being a thread's once more. */
static pthread_barrier_t all_there;

static void take_what_was_left(size_t index)
{
    space_block_free(space_block(5000, 1, false));
    pthread_barrier_wait(&all_there);
    expect_no_blocks(index);
    pthread_barrier_wait(&all_there);
    expect_no_blocks(index);
    pthread_barrier_wait(&all_there);
    expect_no_blocks(index);
}

static void drive_threads(const char *settings, bool scarce, uint64_t standard_seed)
{
    unit_start(settings);
    unit_time_limit(300);
    seed = unit_seed(standard_seed);
    unit_context("UNIT_SEED=%lu", seed);
    while (scarce && budget_grant_pages(1))
        continue;
    for (round_number = 0; round_number < ROUNDS; round_number++)
        unit_threads(NTHREADS, work);
    while (nmailbox != 0) {
        const struct block *block = &mailbox[--nmailbox];
        check(block);
        space_block_free(block->start);
    }
    CHECK(pthread_barrier_init(&all_there, NULL, NTHREADS) == 0);
    unit_threads(NTHREADS, take_what_was_left);
    for (int i = 0; i < 2; i++)
        expect_no_blocks(0);
    expect_all_free();
}

static void threads(void)
{
    drive_threads("REGION=512M", false, 1);
}

static void threads_with_nothing_kept(void)
{
    drive_threads("REGION=512M WARM_2M=4", true, 2);
}

/*
 * One thread allocates as fast as it can what another one frees, and nothing but a ring of pointers
 * is between them.
 */
#define RING 64
static struct block *ring[RING];
static struct block flying[4 * RING];

static void send(void)
{
    struct unit_random random = unit_random_seeded(seed);
    size_t n = unit_steps(UNIT_TSAN ? 20000 : 100000);
    for (size_t i = 0; i < n; i++) {
        struct block *block = &flying[i % (4 * RING)];
        while (__atomic_load_n(&ring[i % RING], __ATOMIC_ACQUIRE) != NULL)
            sched_yield();
        while ((block->start = space_block(size_below(&random, false) / 2 + 4096, 1, false)) ==
               NULL)
            sched_yield();
        block->bytes = block_bytes(block->start);
        block->tag = (uint16_t)(1 + i % 65535);
        block->filled = block->bytes;
        touch(block);
        unit_fill(block->start, 64, block->tag);
        unit_fill(block->start + block->bytes - 64, 64, block->tag);
        __atomic_store_n(&ring[i % RING], block, __ATOMIC_RELEASE);
    }
}

static void receive(void)
{
    for (size_t i = 0, n = unit_steps(UNIT_TSAN ? 20000 : 100000); i < n; i++) {
        struct block *block;
        while ((block = __atomic_load_n(&ring[i % RING], __ATOMIC_ACQUIRE)) == NULL)
            sched_yield();
        CHECK_EQUAL(block_bytes(block->start), block->bytes);
        CHECK(unit_filled(block->start, 64, block->tag));
        CHECK(unit_filled(block->start + block->bytes - 64, 64, block->tag));
        touch(block);
        space_block_free(block->start);
        __atomic_store_n(&ring[i % RING], NULL, __ATOMIC_RELEASE);
    }
}

static void send_or_receive(size_t index)
{
    if (index == 0)
        send();
    else
        receive();
}

static void one_allocates_and_one_frees(void)
{
    unit_start("REGION=256M");
    unit_time_limit(300);
    seed = unit_seed(7);
    unit_threads(2, send_or_receive);
    CHECK(pthread_barrier_init(&all_there, NULL, 2) == 0);
    unit_threads(2, take_what_was_left);
    expect_no_blocks(0);
    expect_all_free();
}

UNIT_MAIN(UNIT_CASE(two_arenas), UNIT_CASE(two_arenas_with_nothing_kept),
          UNIT_CASE(few_blocks_with_nothing_kept), UNIT_CASE(guarded), UNIT_CASE(threads),
          UNIT_CASE(threads_with_nothing_kept), UNIT_CASE(one_allocates_and_one_frees))
