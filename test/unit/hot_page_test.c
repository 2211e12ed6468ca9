#include <errno.h>

#include "fake_kernel.h"
#include "page_arena.h"
#include "unit.h"

static HotPageCache cache;

/* Only an address: the cache must not touch it. */
static void *page(size_t n)
{
    return (void *)((n + 1) << 12);
}

static void last_in_first_out(void)
{
    CHECK(hot_page_cache_init(&cache, 64));
    uint64_t calls = fake_count(FAKE_ANY);
    CHECK(hot_page_alloc(&cache) == NULL);
    for (size_t i = 0; i < 64; i++)
        CHECK(hot_page_free(&cache, page(i)) == NULL);
    for (size_t i = 64; i-- > 0;)
        CHECK(hot_page_alloc(&cache) == page(i));
    CHECK(hot_page_alloc(&cache) == NULL);
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
    hot_page_cache_shutdown(&cache);
}

static void what_finds_no_room_is_handed_back(void)
{
    CHECK(hot_page_cache_init(&cache, 64));
    for (size_t i = 0; i < 64; i++)
        CHECK(hot_page_free(&cache, page(i)) == NULL);
    for (size_t i = 64; i < 70; i++)
        CHECK(hot_page_free(&cache, page(i)) == page(i));
    CHECK(hot_page_alloc(&cache) == page(63));
    CHECK(hot_page_free(&cache, page(99)) == NULL);
    CHECK(hot_page_alloc(&cache) == page(99));
}

static void counters(void)
{
    CHECK(hot_page_cache_init(&cache, 64));
    for (size_t i = 0; i < 66; i++)
        hot_page_free(&cache, page(i));
    for (size_t i = 0; i < 67; i++)
        hot_page_alloc(&cache);
    CHECK_EQUAL(cache.pages.frees, 66);
    CHECK_EQUAL(cache.pages.evictions, 2);
    CHECK_EQUAL(cache.pages.hits, 64);
    CHECK_EQUAL(cache.pages.misses, 3);
}

static void capacity_is_clamped_and_rounded(void)
{
    static const size_t asked[] = {0,   1,    63,   64,   65,   127,     128,
                                   129, 2049, 4095, 4096, 4097, SIZE_MAX};
    static const size_t used[] = {64, 64, 64, 64, 128, 128, 128, 256, 4096, 4096, 4096, 4096, 4096};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        unit_context("capacity %zu", asked[i]);
        CHECK(hot_page_cache_init(&cache, asked[i]));
        size_t kept = 0;
        while (hot_page_free(&cache, page(kept)) == NULL)
            kept++;
        CHECK_EQUAL(kept, used[i]);
        CHECK_EQUAL(cache.pages.capacity, used[i]);
        hot_page_cache_shutdown(&cache);
    }
}

static void after_shutdown(void)
{
    CHECK(hot_page_cache_init(&cache, 64));
    CHECK(hot_page_free(&cache, page(1)) == NULL);
    hot_page_cache_shutdown(&cache);
    CHECK_EQUAL(fake_count(SYS_munmap), 1);
    CHECK(hot_page_alloc(&cache) == NULL);
    CHECK(hot_page_free(&cache, page(1)) == page(1));
    hot_page_cache_shutdown(&cache);
    CHECK_EQUAL(fake_count(SYS_munmap), 1);
}

static void no_memory(void)
{
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    CHECK(!hot_page_cache_init(&cache, 64));
}

UNIT_MAIN(UNIT_CASE(last_in_first_out), UNIT_CASE(what_finds_no_room_is_handed_back),
          UNIT_CASE(counters), UNIT_CASE(capacity_is_clamped_and_rounded),
          UNIT_CASE(after_shutdown), UNIT_CASE(no_memory))
