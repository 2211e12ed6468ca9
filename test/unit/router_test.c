#include "claim.h"
#include "odd.h"
#include "router.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "budget.h"
#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "unit.h"

static PageArena arena;

/* The start of the arena has left its mark on the counts, not on the region. */
static void set_up(const char *knobs)
{
    unit_start(knobs);
    CHECK(router_init_arena(&arena));
    fake_reset();
}

#define SMALL "REGION=64M"
#define SMALLEST "REGION=64M HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4"

static size_t map(size_t npages)
{
    void *addr = router_map(&arena, npages, 0, 0);
    CHECK(addr != NULL);
    CHECK(unit_is_zero(addr, npages * PAGE_BYTES));
    size_t first = region_page((uintptr_t)addr);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, first, npages), npages);
    CHECK(!page_map_any(PAGE_FREE, first, npages) && !page_map_any(PAGE_CACHED, first, npages));
    return first;
}

static void fill(size_t first, size_t npages)
{
    unit_fill(region_addr(first), npages * PAGE_BYTES, 1);
}

static bool is_zero(size_t first, size_t npages)
{
    return unit_is_zero(region_addr(first), npages * PAGE_BYTES);
}

static bool all(enum page_bit bit, size_t first, size_t npages)
{
    return page_map_count(bit, first, npages) == npages;
}

/* Every page below the frontier is accounted for. */
static void check_none_lost(void)
{
    CHECK_EQUAL(page_map_next_in_flight(0, region_used_pages()).npages, 0);
}

static void cached_spans_come_back_last_first(void)
{
    static const size_t sizes[] = {1, 16, 32, 512};
    set_up(SMALL);
    for (int i = 0; i < 4; i++) {
        size_t npages = sizes[i];
        size_t a = map(npages);
        size_t b = map(npages);
        CHECK_EQUAL(a % npages, 0);
        fill(a, npages);
        fill(b, npages);
        router_free_live(&arena, a, npages);
        router_free_live(&arena, b, npages);
        CHECK(all(PAGE_CACHED, a, npages) && all(PAGE_CACHED, b, npages));
        CHECK_EQUAL(map(npages), b);
        CHECK_EQUAL(map(npages), a);
    }
    CHECK_EQUAL(arena.total_allocs, 16);
    CHECK_EQUAL(arena.total_frees, 8);
    CHECK_EQUAL(arena.hot.pages.hits, 2);
    CHECK_EQUAL(arena.hot.pages.misses, 2);
    CHECK_EQUAL(arena.hot.pages.frees, 2);
    CHECK_EQUAL(arena.bytes_out, 4 * (1 + 16 + 32 + 512) * PAGE_BYTES);
}

/* In a program the clock is read without one. */
static uint64_t system_calls(void)
{
    return fake_count(FAKE_ANY) - fake_count(SYS_clock_gettime);
}

static void no_system_call_on_the_way(void)
{
    set_up(SMALL);
    size_t first = map(16);
    fill(first, 16);
    router_free_live(&arena, first, 16);
    uint64_t calls = system_calls();
    for (int i = 0; i < 15; i++)
        router_free_live(&arena, map(16), 16);
    CHECK_EQUAL(system_calls(), calls);
}

static void other_sizes_go_to_the_region(void)
{
    static const size_t sizes[] = {17, 31, 33, 63, 65, 511, 513, 1024};
    set_up(SMALL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t first = map(sizes[i]);
        fill(first, sizes[i]);
        router_free_live(&arena, first, sizes[i]);
        CHECK(all(PAGE_FREE, first, sizes[i]));
        CHECK_EQUAL(map(sizes[i]), first);
        router_free_live(&arena, first, sizes[i]);
    }
    CHECK_EQUAL(arena.hot.pages.frees + arena.warm.spans[0].frees, 0);
}

/* Of each length some, wherever they are; what is beyond that goes to the region. */
static void short_runs_are_cached(void)
{
    set_up(SMALL);
    size_t runs[SHORT_PAGES / 2 + 1];
    for (size_t npages = 2; npages < SPAN_64K_PAGES; npages++) {
        size_t most = SHORT_PAGES / npages;
        for (size_t i = 0; i <= most; i++)
            fill(runs[i] = map(npages), npages);
        map(1);
        for (size_t i = 0; i <= most; i++)
            router_free_live(&arena, runs[i], npages);
        CHECK(all(PAGE_FREE, runs[most], npages));
        for (size_t i = most; i-- != 0;) {
            CHECK(all(PAGE_CACHED, runs[i], npages));
            CHECK_EQUAL(map(npages), runs[i]);
        }
        for (size_t i = 0; i < most; i++)
            router_free_live(&arena, runs[i], npages);
    }
    router_flush(&arena);
    CHECK(!page_map_any(PAGE_CACHED, 0, region_used_pages()));
    check_none_lost();
}

/* What is cached is natural in place; 16 pages elsewhere are only 16 pages. */
static void unaligned_spans_are_not_cached(void)
{
    set_up(SMALL);
    size_t first = map(40);
    router_free_live(&arena, first + 1, 16);
    CHECK(all(PAGE_FREE, first + 1, 16));
    CHECK_EQUAL(arena.warm.spans[0].frees, 0);
    check_none_lost();
}

static void alignment_beyond_the_size(void)
{
    set_up(SMALL);
    router_free_live(&arena, map(1), 1);
    map(1);
    void *addr = router_map(&arena, 1, 4, 0);
    CHECK(addr != NULL && (uintptr_t)addr % (16 * PAGE_BYTES) == 0);
    router_free_live(&arena, region_page((uintptr_t)addr), 1);
    addr = router_map(&arena, 16, 9, 0);
    CHECK(addr != NULL && (uintptr_t)addr % SUPER_BYTES == 0);
    check_none_lost();
}

static void capacity_bounds_what_is_cached(void)
{
    enum { NSPANS = 20 };
    size_t spans[NSPANS];
    set_up(SMALLEST);
    for (int i = 0; i < NSPANS; i++)
        spans[i] = map(32);
    for (int i = 0; i < NSPANS; i++)
        router_free_live(&arena, spans[i], 32);
    CHECK_EQUAL(page_map_count(PAGE_CACHED, 0, region_used_pages()), 8 * 32);
    CHECK_EQUAL(arena.warm.spans[1].evictions, 12);
    CHECK_EQUAL(arena.warm.spans[1].quota, 8);
    check_none_lost();
}

static PageArena other;

static void arenas_share_the_bound(void)
{
    enum { NSPANS = 16 };
    size_t spans[NSPANS];
    set_up(SMALLEST);
    CHECK(router_init_arena(&other));
    for (int i = 0; i < NSPANS; i++)
        spans[i] = map(32);
    for (int i = 0; i < NSPANS; i++)
        router_free_live(i % 2 == 0 ? &arena : &other, spans[i], 32);
    CHECK_EQUAL(arena.warm.spans[1].count + other.warm.spans[1].count, 8);
    size_t before = budget_region_pages();
    router_fini_arena(&other);
    CHECK(budget_region_pages() > before);
    CHECK_EQUAL(arena.warm.spans[1].count * 32,
                page_map_count(PAGE_CACHED, 0, region_used_pages()));
    check_none_lost();
}

static size_t map_single(PageArena *owner)
{
    void *addr = router_map(owner, 1, 0, 0);
    CHECK(addr != NULL);
    return region_page((uintptr_t)addr);
}

/* So that two threads never write the same cache line of the page map. */
static void single_pages_are_from_an_own_group(void)
{
    set_up(SMALL);
    CHECK_EQUAL(map_single(&arena), 0);
    CHECK(router_init_arena(&other));
    CHECK_EQUAL(map_single(&other), GROUP_PAGES + 1);
    CHECK_EQUAL(map_single(&arena), 2 * GROUP_PAGES + 1);
    /* What the group has besides is everybody's. */
    CHECK_EQUAL(map(GROUP_PAGES - 1), 1);
    CHECK_EQUAL(map(GROUP_PAGES - 2), GROUP_PAGES + 2);
    /* There is no other in so small a region, and no page of it is waited for. */
    CHECK_EQUAL(map(2), 2 * GROUP_PAGES + 2);
    for (size_t i = 4; i < GROUP_PAGES; i++)
        CHECK_EQUAL(map_single(&arena), 2 * GROUP_PAGES + i);
    CHECK_EQUAL(map_single(&arena), GROUP_PAGES);
    CHECK_EQUAL(map_single(&other), 2 * GROUP_PAGES);
    router_fini_arena(&other);
    check_none_lost();
}

static void short_runs_are_from_an_own_group(void)
{
    set_up("REGION=512M");
    CHECK(router_init_arena(&other));
    size_t first = map(4);
    CHECK_EQUAL(first % GROUP_PAGES, 1);
    for (size_t i = 1; i < 15; i++)
        CHECK_EQUAL(map(4), first + 4 * i);
    CHECK_EQUAL(map(2), first + 60);
    CHECK_EQUAL(map(1), first + 62);
    CHECK(map(4) / GROUP_PAGES != first / GROUP_PAGES);
    /* The next thread with this arena gets another. */
    router_flush(&arena);
    size_t next = map(4);
    CHECK_EQUAL(next % GROUP_PAGES, 1);
    CHECK(next / GROUP_PAGES != first / GROUP_PAGES);
    router_fini_arena(&other);
    check_none_lost();
}

/* One live page would keep each of them from larger spans. */
static void few_groups_of_a_small_region_are_owned(void)
{
    PageArena arenas[8];
    size_t npages = 64 * MIB / PAGE_BYTES;
    set_up(SMALL);
    for (size_t i = 0; i < 8; i++) {
        CHECK(router_init_arena(&arenas[i]));
        map_single(&arenas[i]);
    }
    CHECK(page_map_count(PAGE_LIVE, 0, npages) == 8);
    CHECK(!page_map_any(PAGE_LIVE, 4 * GROUP_PAGES, npages - 4 * GROUP_PAGES));
}

static void flush_gives_all_back(void)
{
    set_up(SMALL);
    size_t budget = budget_region_pages();
    size_t spans[] = {map(1), map(16), map(32), map(512)};
    size_t sizes[] = {1, 16, 32, 512};
    for (int i = 0; i < 4; i++)
        router_free_live(&arena, spans[i], sizes[i]);
    CHECK(budget_region_pages() < budget);
    router_flush(&arena);
    CHECK_EQUAL(budget_region_pages(), budget);
    CHECK(all(PAGE_FREE, 0, region_used_pages()));
    CHECK(!page_map_any(PAGE_CACHED, 0, region_used_pages()));
    CHECK_EQUAL(map(16), 0);
}

/* A claim takes a page out of somebody's stack without the stack's knowledge. */
static void stale_entry_is_skipped(void)
{
    set_up(SMALL);
    size_t a = map(1);
    size_t b = map(1);
    router_free_live(&arena, a, 1);
    router_free_live(&arena, b, 1);
    CHECK_EQUAL(claim_begin(b, 1, true, true), CLAIM_OK);
    claim_end(b, 1, true);
    CHECK_EQUAL(map(1), a);
    CHECK(map(1) != b);
    /* It is unmapped, cached again and listed once more. */
    router_free_live(&arena, b, 1);
    check_none_lost();
}

/* One page is listed twice, and given out once. */
static void page_listed_twice(void)
{
    set_up(SMALL);
    size_t a = map(1);
    router_free_live(&arena, a, 1);
    CHECK_EQUAL(claim_begin(a, 1, true, true), CLAIM_OK);
    claim_undo(a, 1);
    CHECK(router_map_at(&arena, a, 1, 0));
    router_free_live(&arena, a, 1);
    CHECK_EQUAL(arena.hot.pages.count, 2);
    CHECK_EQUAL(map(1), a);
    CHECK(map(1) != a);
    check_none_lost();
}

static void partly_claimed_span(void)
{
    set_up(SMALL);
    size_t first = map(16);
    router_free_live(&arena, first, 16);
    CHECK_EQUAL(claim_begin(first + 4, 3, true, true), CLAIM_OK);
    claim_end(first + 4, 3, true);
    CHECK(map(16) != first);
    CHECK(all(PAGE_FREE, first, 4) && all(PAGE_FREE, first + 7, 9));
    CHECK(all(PAGE_LIVE, first + 4, 3));
    CHECK_EQUAL(map(4), first);
    check_none_lost();
}

static void partly_claimed_span_is_flushed_once(void)
{
    set_up(SMALL);
    size_t first = map(16);
    router_free_live(&arena, first, 16);
    CHECK_EQUAL(claim_begin(first, 3, true, true), CLAIM_OK);
    claim_undo(first, 3);
    CHECK_EQUAL(map(2), first);
    router_flush(&arena);
    CHECK(all(PAGE_LIVE, first, 2));
    CHECK(all(PAGE_FREE, first + 2, region_used_pages() - first - 2));
    check_none_lost();
}

static void odd_pages_are_replaced(void)
{
    set_up(SMALL);
    size_t first = map(64);
    fill(first, 64);
    odd_mark(PAGE_TORN, first + 20, 3);
    CHECK(mprotect(region_addr(first + 20), 3 * PAGE_BYTES, PROT_READ) == 0);
    uint64_t replaced = fake_count(SYS_mmap);
    router_free_live(&arena, first, 64);
    CHECK_EQUAL(fake_count(SYS_mmap), replaced + 1);
    CHECK(all(PAGE_FREE, first, 64));
    CHECK(!page_map_any(PAGE_ODD, first, 64) && !page_map_any(PAGE_DIRTY, first + 20, 3));
    CHECK_EQUAL(map(64), first);
    fill(first, 64);
}

static void odd_pages_that_cannot_be_replaced(void)
{
    set_up(SMALL);
    size_t first = map(64);
    fill(first, 64);
    odd_mark(PAGE_TORN, first + 20, 3);
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    router_free_live(&arena, first, 64);
    CHECK(!page_map_any(PAGE_FREE, first + 20, 3) && !page_map_any(PAGE_LIVE, first, 64));
    CHECK(all(PAGE_FREE, first, 20) && all(PAGE_FREE, first + 23, 41));
    size_t got = 0;
    for (size_t page = region_alloc(1, 0); page != NO_PAGE; page = region_alloc(1, 0)) {
        CHECK(page < first + 20 || page > first + 22);
        got++;
    }
    CHECK_EQUAL(got, g_region.nbytes / PAGE_BYTES - 3);
}

/* Unmapping twice, too much, and what was never mapped. */
static void only_what_is_live_is_freed(void)
{
    set_up(SMALL);
    size_t a = map(5);
    size_t b = map(5);
    size_t c = map(5);
    CHECK(b == a + 5 && c == b + 5);
    fill(a, 15);
    router_free_live(&arena, b, 5);
    router_free_live(&arena, b, 5);
    router_free_live(&arena, a + 3, 9);
    CHECK(all(PAGE_LIVE, a, 3) && all(PAGE_LIVE, c + 2, 3));
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, region_used_pages()), 6);
    router_free_live(&arena, 0, g_region.nbytes / PAGE_BYTES);
    CHECK(!page_map_any(PAGE_LIVE, 0, region_used_pages()));
    check_none_lost();
}

static void without_an_arena(void)
{
    set_up(SMALL);
    size_t first = map(50);
    fill(first, 50);
    page_map_set(PAGE_ODD, first + 10, 2);
    router_free_live(NULL, first, 50);
    CHECK(all(PAGE_DEFERRED, first, 50));
    CHECK(!page_map_any(PAGE_LIVE, first, 50));
    CHECK_EQUAL(map(50), first);
    fill(first, 50);
    check_none_lost();
}

static void exact_pages(void)
{
    set_up(SMALL);
    size_t first = map(20);
    fill(first, 20);
    CHECK(!router_map_at(&arena, first + 15, 20, 0));
    CHECK(router_map_at(&arena, first + 20, 20, 0));
    router_free_live(&arena, first, 20);
    CHECK(router_map_at(&arena, first + 3, 4, 0));
    CHECK(is_zero(first + 3, 4));
    CHECK(all(PAGE_LIVE, first + 3, 4));
    CHECK(!router_map_at(&arena, first + 2, 2, 0));
}

/* The stacks list what is not there any more. */
static void exact_pages_that_are_cached(void)
{
    set_up(SMALL);
    size_t first = map(30);
    fill(first, 30);
    router_free_live(&arena, first + 10, 1);
    router_free_live(&arena, first + 11, 7);
    router_free_live(&arena, first + 18, 12);
    CHECK(all(PAGE_CACHED, first + 10, 8));
    CHECK(!router_map_at(&arena, first + 9, 10, 0));
    CHECK(all(PAGE_CACHED, first + 10, 8));
    CHECK(router_map_at(&arena, first + 10, 10, 0));
    CHECK(is_zero(first + 10, 10));
    for (int i = 0; i < 3; i++)
        CHECK(map(7) > first + 19);
    CHECK(map(1) > first + 19);
    check_none_lost();
}

/* Another thread may give the end of the region up at any moment. */
static void exact_pages_beyond_the_end(void)
{
    set_up(SMALL);
    size_t end = g_region.nbytes / PAGE_BYTES;
    map(1);
    CHECK(!router_map_at(&arena, end - 1, 1, 0));
    region_trim();
    CHECK(g_region.nbytes < end * PAGE_BYTES);
    CHECK(!router_map_at(&arena, end - 1, 1, 0));
    CHECK(!router_reserve_at(&arena, end - 1, 1));
    CHECK(!region_take(end - 1, 1));
}

static long mprotect_half(const long *arguments)
{
    const long half[6] = {arguments[0], arguments[1] / 2, arguments[2]};
    fake_real(SYS_mprotect, half);
    return -ENOMEM;
}

static void reservation_that_fails_half_way(void)
{
    set_up(SMALL);
    size_t first = map(64);
    fill(first, 64);
    router_free_live(&arena, first, 64);
    fake_handle(SYS_mprotect, mprotect_half);
    CHECK(!router_reserve_at(&arena, first, 64));
    CHECK(page_map_count(PAGE_LOST, first, 64) == 64);
    fake_handle(SYS_mprotect, NULL);

    first = map(64);
    fill(first, 64);
    router_free_live(&arena, first, 64);
    fake_fail(SYS_mprotect, 1, 1, ENOMEM);
    CHECK(!router_reserve_at(&arena, first, 64));
    CHECK_EQUAL(fake_count(SYS_mprotect), 4);
    CHECK(router_map_at(&arena, first, 64, 0) && is_zero(first, 64));
    fill(first, 64);
    check_none_lost();
}

static void reservation_is_zero_before_it_is_opened(void)
{
    set_up(SMALL);
    size_t first = map(64);
    fill(first, 64);
    router_free_live(&arena, first, 64);
    CHECK(router_reserve_at(&arena, first, 64));
    const long open_it[6] = {(long)region_addr(first), 64 * PAGE_BYTES, PROT_READ};
    CHECK(fake_real(SYS_mprotect, open_it) == 0);
    CHECK(is_zero(first, 64));
}

static void touch_freed(void)
{
    size_t first = map(16);
    fill(first, 16);
    router_free_live(&arena, first, 16);
    signal(SIGSEGV, SIG_DFL);
    *(volatile char *)region_addr(first + 3) = 1;
}

static void guarded_memory_faults(void)
{
    set_up(SMALL " GUARD=1");
    int status = unit_child_status(touch_freed);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void guarded_memory_is_used_again(void)
{
    static const size_t sizes[] = {1, 2, 16, 32, 100, 512, 1000};
    set_up(SMALL " GUARD=1");
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            size_t first = map(sizes[i]);
            fill(first, sizes[i]);
            router_free_live(&arena, first, sizes[i]);
        }
    size_t first = map(2000);
    CHECK(router_map_at(&arena, first + 2000, 5, 0));
    fill(first, 2005);
    CHECK_EQUAL(region_dirty_pages(), 0);
    check_none_lost();
}

static void guarded_memory_that_cannot_be_had_again(void)
{
    set_up(SMALL " GUARD=1");
    size_t first = map(16);
    router_free_live(&arena, first, 16);
    fake_fail(SYS_mprotect, 1, 1, ENOMEM);
    CHECK(router_map(&arena, 16, 0, 0) == NULL);
    CHECK(all(PAGE_FREE, first, 16));
    CHECK_EQUAL(map(16), first);
    router_free_live(&arena, first, 16);
    router_flush(&arena);
    fake_fail(SYS_mprotect, 1, 1, ENOMEM);
    CHECK(!router_map_at(&arena, first, 16, 0));
    CHECK(router_map_at(&arena, first, 16, 0));
    fill(first, 16);
}

/* It stays out of circulation, which is not the same as in flight. */
static void guarded_memory_that_cannot_be_replaced(void)
{
    set_up(SMALL " GUARD=1");
    size_t first = map(16);
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    router_free_live(&arena, first, 16);
    check_none_lost();
    CHECK(all(PAGE_LOST, first, 16) && !page_map_any(PAGE_FREE, first, 16));
    CHECK_EQUAL(claim_begin(first, 16, true, true), CLAIM_OK);
    claim_undo(first, 16);
    CHECK_EQUAL(map(16), first);
}

static void suspended(void)
{
    set_up(SMALL);
    size_t kept = map(16);
    size_t freed = map(16);
    fill(kept, 16);
    router_suspend(true);
    router_free_live(&arena, freed, 16);
    CHECK(router_map(&arena, 16, 0, 0) == NULL);
    router_suspend(false);
    CHECK(!page_map_any(PAGE_FREE, freed, 16) && !page_map_any(PAGE_CACHED, freed, 16));
    CHECK(!is_zero(kept, 16));
    router_free_live(&arena, kept, 16);
    CHECK_EQUAL(map(16), kept);
}

static void no_memory_for_an_arena(void)
{
    unit_start(SMALL);
    for (unsigned nth = 1; nth <= 2; nth++) {
        uint64_t maps = fake_count(SYS_mmap);
        uint64_t unmaps = fake_count(SYS_munmap);
        fake_fail(SYS_mmap, nth, 1, ENOMEM);
        CHECK(!router_init_arena(&arena));
        CHECK_EQUAL(fake_count(SYS_mmap) - maps - 1, fake_count(SYS_munmap) - unmaps);
    }
    CHECK(router_init_arena(&arena));
    router_fini_arena(&arena);
}

static void region_exhausted(void)
{
    set_up(SMALL);
    size_t got = 0;
    while (router_map(&arena, 512, 0, 0) != NULL)
        got += 512;
    CHECK_EQUAL(got, g_region.nbytes / PAGE_BYTES);
    CHECK(router_map(&arena, 1, 0, 0) == NULL);
    router_free_live(&arena, 600, 100);
    CHECK_EQUAL(map(100), 600);
}

UNIT_MAIN(UNIT_CASE(cached_spans_come_back_last_first), UNIT_CASE(no_system_call_on_the_way),
          UNIT_CASE(other_sizes_go_to_the_region), UNIT_CASE(short_runs_are_cached),
          UNIT_CASE(unaligned_spans_are_not_cached), UNIT_CASE(alignment_beyond_the_size),
          UNIT_CASE(capacity_bounds_what_is_cached), UNIT_CASE(arenas_share_the_bound),
          UNIT_CASE(single_pages_are_from_an_own_group),
          UNIT_CASE(short_runs_are_from_an_own_group),
          UNIT_CASE(few_groups_of_a_small_region_are_owned), UNIT_CASE(flush_gives_all_back),
          UNIT_CASE(stale_entry_is_skipped), UNIT_CASE(page_listed_twice),
          UNIT_CASE(partly_claimed_span), UNIT_CASE(partly_claimed_span_is_flushed_once),
          UNIT_CASE(odd_pages_are_replaced), UNIT_CASE(odd_pages_that_cannot_be_replaced),
          UNIT_CASE(only_what_is_live_is_freed), UNIT_CASE(without_an_arena),
          UNIT_CASE(exact_pages), UNIT_CASE(exact_pages_that_are_cached),
          UNIT_CASE(exact_pages_beyond_the_end), UNIT_CASE(reservation_that_fails_half_way),
          UNIT_CASE(reservation_is_zero_before_it_is_opened), UNIT_CASE(guarded_memory_faults),
          UNIT_CASE(guarded_memory_is_used_again),
          UNIT_CASE(guarded_memory_that_cannot_be_had_again),
          UNIT_CASE(guarded_memory_that_cannot_be_replaced), UNIT_CASE(suspended),
          UNIT_CASE(no_memory_for_an_arena), UNIT_CASE(region_exhausted))
