/* Of thread.h: fork(2), in every state that a thread can be in. */
#include <signal.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "space.h"
#include "thread.h"
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

static void map_and_unmap_a_little(size_t index)
{
    (void)index;
    CHECK(g_page_arena == NULL);
    for (size_t npages = 1; npages <= 512; npages *= 2)
        space_unmap(map(npages * PAGE_BYTES));
    CHECK(g_page_arena != NULL);
}

static struct range inherited[3];

static void use_in_child(void)
{
    for (int i = 0; i < 3; i++)
        CHECK(filled(inherited[i]) && space_is_live(inherited[i]));
    space_unmap(inherited[1]);
    unit_fill((void *)inherited[2].start, inherited[2].end - inherited[2].start, 3);
    for (int i = 0; i < 50; i++)
        for (size_t npages = 1; npages <= 600; npages = npages * 2 + i % 2)
            space_unmap(map(npages * PAGE_BYTES));
    size_t used = region_used_pages();
    CHECK_EQUAL(page_map_next_in_flight(0, used).npages, 0);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, used), 101 + 300);
    CHECK(filled(inherited[0]));
}

static void child_takes_over(void)
{
    unit_start("REGION=64M");
    inherited[0] = map(PAGE_BYTES);
    inherited[1] = map(64 * KIB);
    inherited[2] = map(400 * PAGE_BYTES);
    space_unmap(map(100 * PAGE_BYTES));
    space_unmap(map(PAGE_BYTES));
    inherited[2].end = inherited[2].start + 300 * PAGE_BYTES;
    space_unmap((struct range){inherited[2].end, inherited[2].end + 100 * PAGE_BYTES});
    struct range more = map(100 * PAGE_BYTES);
    unit_child(use_in_child);
    unit_child(use_in_child);
    for (int i = 0; i < 3; i++)
        CHECK(filled(inherited[i]) && space_is_live(inherited[i]));
    CHECK(filled(more));
    map(64 * KIB);
}

/* Free memory that the parent has is not copied into the child, and costs nothing before its use. */
static void read_in_child(void)
{
    uint64_t calls = fake_count(FAKE_ANY);
    CHECK(filled(inherited[0]));
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
    CHECK(region_dirty_pages() > 0);
    space_unmap(map(64 * KIB));
    CHECK(fake_count(SYS_madvise) > 0);
    CHECK_EQUAL(region_dirty_pages(), 0);
}

static void child_gives_inherited_memory_back(void)
{
    unit_start("REGION=64M");
    fake_reset();
    inherited[0] = map(PAGE_BYTES);
    space_unmap(map(64 * KIB));
    space_unmap(map(5 * MIB));
    size_t dirty = region_dirty_pages();
    unit_child(read_in_child);
    CHECK_EQUAL(region_dirty_pages(), dirty);
}

static size_t turn;

static void wait_for_turn(size_t wanted)
{
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) < wanted)
        usleep(100);
}

static void next_turn(void)
{
    __atomic_fetch_add(&turn, 1, __ATOMIC_RELEASE);
}

static void expect_caches_of_the_gone(void)
{
    map(20 * PAGE_BYTES);
    size_t used = region_used_pages();
    CHECK_EQUAL(page_map_count(PAGE_CACHED, 0, used), 0);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, used), used - 20);
}

static void fork_beside_caches(size_t index)
{
    if (index == 1) {
        wait_for_turn(1);
        unit_child(expect_caches_of_the_gone);
        next_turn();
        return;
    }
    space_unmap(map(64 * KIB));
    space_unmap(map(PAGE_BYTES));
    CHECK_EQUAL(page_map_count(PAGE_CACHED, 0, region_used_pages()), 17);
    next_turn();
    wait_for_turn(2);
}

/* Nobody else could get at the caches of threads that are not there any more. */
static void caches_of_other_threads_are_taken_over(void)
{
    unit_start("REGION=64M");
    unit_threads(2, fork_beside_caches);
}

static const PageArena *arena_of_main;

static void expect_another_arena(size_t index)
{
    (void)index;
    space_unmap(map(PAGE_BYTES));
    CHECK(g_page_arena != arena_of_main);
}

static void use_arena_beside_main(void)
{
    space_unmap(map(PAGE_BYTES));
    CHECK(g_page_arena == arena_of_main);
    unit_threads(1, expect_another_arena);
}

static void forking_thread_keeps_its_arena(void)
{
    unit_start("REGION=64M");
    space_unmap(map(PAGE_BYTES));
    arena_of_main = g_page_arena;
    unit_child(use_arena_beside_main);
    use_arena_beside_main();
}

static void fork_in_child(void)
{
    unit_child(use_in_child);
    unit_child(use_in_child);
    use_in_child();
}

static void children_of_children(void)
{
    unit_start("REGION=64M");
    inherited[0] = map(PAGE_BYTES);
    inherited[1] = map(64 * KIB);
    inherited[2] = map(300 * PAGE_BYTES);
    struct range more = map(100 * PAGE_BYTES);
    unit_child(fork_in_child);
    CHECK(filled(more));
}

static void use_without_arena(void)
{
    CHECK(g_page_arena == NULL);
    space_unmap(map(64 * KIB));
    CHECK_EQUAL(page_map_next_in_flight(0, region_used_pages()).npages, 0);
}

static void forked_before_first_use(void)
{
    unit_start("REGION=64M");
    unit_threads(1, map_and_unmap_a_little);
    unit_child(use_without_arena);
    use_without_arena();
}

static bool is_inside;

static void use_after_fork_inside(void)
{
    CHECK(filled(inherited[0]));
    CHECK((space_map(PAGE_BYTES) == NULL) == is_inside);
    space_unmap(inherited[0]);
}

static void fork_inside(int signal)
{
    (void)signal;
    unit_child(use_after_fork_inside);
}

/* fork(2) is async-signal-safe: the handler may have interrupted the library. */
static void fork_from_a_handler(void)
{
    unit_start("REGION=64M");
    inherited[0] = map(64 * KIB);
    CHECK(signal(SIGUSR1, fork_inside) != SIG_ERR);
    PageArena *arena = thread_enter();
    is_inside = true;
    CHECK(raise(SIGUSR1) == 0);
    is_inside = false;
    thread_leave(arena);
    CHECK(filled(inherited[0]));
    space_unmap(map(64 * KIB));
    CHECK(raise(SIGUSR1) == 0);
}

/* A fork costs TSan ten times as much. */
#define FORKS (UNIT_TSAN ? 60 : 200)

static bool over;

static void work_until_over(size_t index)
{
    struct unit_random random = unit_random_seeded(index);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        struct range range = map((1 + unit_random_below(&random, 40)) * PAGE_BYTES);
        struct range page = map(PAGE_BYTES);
        CHECK(filled(range));
        space_unmap(range);
        space_unmap(page);
    }
}

static void work_a_little(void)
{
    for (size_t i = 0; i < 40; i++) {
        struct range range = map((1 + i) * PAGE_BYTES);
        CHECK(filled(range));
        space_unmap(range);
    }
    CHECK(filled(inherited[0]));
}

static void work_in_child(void)
{
    work_a_little();
    CHECK_EQUAL(page_map_next_in_flight(0, region_used_pages()).npages, 0);
}

static void fork_or_work(size_t index)
{
    if (index != 0) {
        work_until_over(index);
        return;
    }
    inherited[0] = map(100 * PAGE_BYTES);
    for (int i = 0; i < FORKS; i++) {
        unit_context("fork %d", i);
        unit_child(work_in_child);
        work_a_little();
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
}

static void fork_beside_busy_threads(void)
{
    unit_start("REGION=256M");
    unit_threads(3, fork_or_work);
    space_unmap(map(600 * PAGE_BYTES));
    CHECK(filled(inherited[0]));
    size_t used = region_used_pages();
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, used), 100);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, used), used - 100);
}

static void threads_in_child(void)
{
    unit_threads(3, map_and_unmap_a_little);
    CHECK(filled(inherited[0]));
}

/* Several threads come to the take-over at once; while one does it, the others do without. */
static void child_with_threads(void)
{
    unit_start("REGION=64M");
    inherited[0] = map(64 * KIB);
    space_unmap(map(64 * KIB));
    unit_threads(2, map_and_unmap_a_little);
    for (int i = 0; i < 20; i++)
        unit_child(threads_in_child);
}

UNIT_MAIN(UNIT_CASE(child_takes_over), UNIT_CASE(child_gives_inherited_memory_back),
          UNIT_CASE(caches_of_other_threads_are_taken_over),
          UNIT_CASE(forking_thread_keeps_its_arena), UNIT_CASE(children_of_children),
          UNIT_CASE(forked_before_first_use), UNIT_CASE(fork_from_a_handler),
          UNIT_CASE(fork_beside_busy_threads), UNIT_CASE(child_with_threads))
