#include <errno.h>

#include "config.h"
#include "fake_kernel.h"
#include "page_arena.h"
#include "unit.h"

static WarmSpanCache cache;
static const size_t sizes[WARM_SIZES] = {64 * KIB, 128 * KIB, 2 * MIB};

/* Only an address: the cache must not touch it. */
static void *span(size_t n)
{
    return (void *)((n + 1) << 21);
}

static void set_up(void)
{
    CHECK(warm_span_cache_init(&cache, 16, 8, 4));
}

static void last_in_first_out_by_size(void)
{
    set_up();
    uint64_t calls = fake_count(FAKE_ANY);
    for (size_t i = 0; i < 12; i++)
        CHECK(warm_span_free(&cache, span(i), sizes[i % WARM_SIZES]) == NULL);
    for (size_t size = 0; size < WARM_SIZES; size++) {
        for (size_t i = 4; i-- > 0;)
            CHECK(warm_span_alloc(&cache, sizes[size]) == span(WARM_SIZES * i + size));
        CHECK(warm_span_alloc(&cache, sizes[size]) == NULL);
    }
    CHECK_EQUAL(fake_count(FAKE_ANY), calls);
    warm_span_cache_shutdown(&cache);
}

static void other_sizes_are_neither_kept_nor_counted(void)
{
    static const size_t others[] = {0,        1,         4 * KIB, 64 * KIB - 1, 64 * KIB + 1,
                                    68 * KIB, 256 * KIB, 4 * MIB, SIZE_MAX,     (size_t)1 << 63};
    set_up();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        unit_context("size %zu", others[i]);
        CHECK(warm_span_free(&cache, span(i), others[i]) == span(i));
        CHECK(warm_span_alloc(&cache, others[i]) == NULL);
    }
    for (size_t size = 0; size < WARM_SIZES; size++) {
        const PageStack *stack = &cache.spans[size];
        CHECK_EQUAL(stack->hits + stack->misses + stack->frees + stack->evictions, 0);
    }
}

static void counters_and_eviction(void)
{
    static const size_t capacities[WARM_SIZES] = {16, 8, 4};
    set_up();
    for (size_t size = 0; size < WARM_SIZES; size++) {
        const PageStack *stack = &cache.spans[size];
        for (size_t i = 0; i < 20; i++) {
            void *left = i < capacities[size] ? NULL : span(i);
            CHECK(warm_span_free(&cache, span(i), sizes[size]) == left);
        }
        for (size_t i = 0; i < 20; i++)
            warm_span_alloc(&cache, sizes[size]);
        CHECK_EQUAL(stack->frees, 20);
        CHECK_EQUAL(stack->evictions, 20 - capacities[size]);
        CHECK_EQUAL(stack->hits, capacities[size]);
        CHECK_EQUAL(stack->misses, 20 - capacities[size]);
    }
}

static void check_capacities(const size_t *asked, const size_t *used)
{
    CHECK(warm_span_cache_init(&cache, asked[0], asked[1], asked[2]));
    for (size_t size = 0; size < WARM_SIZES; size++) {
        size_t kept = 0;
        while (warm_span_free(&cache, span(kept), sizes[size]) == NULL)
            kept++;
        CHECK_EQUAL(kept, used[size]);
    }
    for (size_t size = 0; size < WARM_SIZES; size++)
        for (size_t i = used[size]; i-- > 0;)
            CHECK(warm_span_alloc(&cache, sizes[size]) == span(i));
    warm_span_cache_shutdown(&cache);
}

static void capacities_are_clamped(void)
{
    check_capacities((size_t[]){0, 0, 0}, (size_t[]){16, 8, 4});
    check_capacities((size_t[]){SIZE_MAX, SIZE_MAX, SIZE_MAX}, (size_t[]){1024, 512, 256});
    check_capacities((size_t[]){17, 9, 5}, (size_t[]){17, 9, 5});
    check_capacities((size_t[]){1025, 513, 257}, (size_t[]){1024, 512, 256});
}

static void after_shutdown(void)
{
    set_up();
    CHECK(warm_span_free(&cache, span(1), sizes[0]) == NULL);
    warm_span_cache_shutdown(&cache);
    CHECK_EQUAL(fake_count(SYS_munmap), 1);
    CHECK(warm_span_alloc(&cache, sizes[0]) == NULL);
    CHECK(warm_span_free(&cache, span(1), sizes[0]) == span(1));
    warm_span_cache_shutdown(&cache);
    CHECK_EQUAL(fake_count(SYS_munmap), 1);
}

static void no_memory(void)
{
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    CHECK(!warm_span_cache_init(&cache, 16, 8, 4));
}

UNIT_MAIN(UNIT_CASE(last_in_first_out_by_size), UNIT_CASE(other_sizes_are_neither_kept_nor_counted),
          UNIT_CASE(counters_and_eviction), UNIT_CASE(capacities_are_clamped),
          UNIT_CASE(after_shutdown), UNIT_CASE(no_memory))
