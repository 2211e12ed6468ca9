#include "lock.h"

#include <errno.h>
#include <time.h>

#include "fake_kernel.h"
#include "unit.h"

static struct lock lock;
static size_t counter;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void take_and_release(void)
{
    CHECK(!lock_held(&lock));
    CHECK(lock_acquire(&lock));
    CHECK(lock_held(&lock));
    lock_release(&lock);
    CHECK(!lock_held(&lock));
    CHECK_EQUAL(fake_count(FAKE_ANY), 0);
}

#define ROUNDS 20000
#define THREADS 4

static void add_under_lock(size_t index)
{
    (void)index;
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(lock_acquire(&lock));
        counter++;
        lock_release(&lock);
    }
}

static void one_at_a_time(void)
{
    unit_threads(THREADS, add_under_lock);
    CHECK_EQUAL(counter, THREADS * ROUNDS);
    CHECK(!lock_held(&lock));
}

/* Thread 0 holds the lock until thread 1 sleeps, and must then wake it. */
static void hold_until_waited_for(size_t index)
{
    if (index == 1) {
        while (!lock_held(&lock))
            ;
        CHECK(lock_acquire(&lock));
        lock_release(&lock);
        return;
    }
    CHECK(lock_acquire(&lock));
    uint64_t waits = fake_count(SYS_futex);
    while (fake_count(SYS_futex) < waits + 3)
        sleep_ms(1);
    lock_release(&lock);
}

static void sleeper_is_woken(void)
{
    unit_threads(2, hold_until_waited_for);
    CHECK(!lock_held(&lock));
}

/* The holder is gone for good. */
static void lost_lock_is_given_up(void)
{
    CHECK(lock_acquire(&lock));
    uint64_t start = now_ms();
    CHECK(!lock_acquire(&lock));
    uint64_t first = now_ms() - start;
    CHECK(first >= 500 && first <= 5000);

    start = now_ms();
    for (int i = 0; i < 100; i++)
        CHECK(!lock_acquire(&lock));
    CHECK(now_ms() - start <= 5000);

    /* It was not gone after all. */
    lock_release(&lock);
    CHECK(lock_acquire(&lock));
    lock_release(&lock);
    one_at_a_time();
}

static void hold_for_a_while(size_t index)
{
    if (index == 0) {
        CHECK(lock_acquire(&lock));
        counter = 1;
        sleep_ms(60);
        lock_release(&lock);
        return;
    }
    while (!lock_held(&lock))
        ;
    CHECK(lock_acquire(&lock));
    CHECK_EQUAL(counter, 1);
    lock_release(&lock);
}

/* Once it was free again, it is a lock like any other: who comes late waits. */
static void found_again_is_waited_for(void)
{
    fake_fail(SYS_futex, 1, FAKE_EVER, EINTR); /* sleeps last no time */
    CHECK(lock_acquire(&lock));
    CHECK(!lock_acquire(&lock));
    lock_release(&lock);
    fake_reset();
    CHECK(lock_acquire(&lock));
    lock_release(&lock);
    unit_threads(2, hold_for_a_while);
}

UNIT_MAIN(UNIT_CASE(take_and_release), UNIT_CASE(one_at_a_time), UNIT_CASE(sleeper_is_woken),
          UNIT_CASE(lost_lock_is_given_up), UNIT_CASE(found_again_is_waited_for))
