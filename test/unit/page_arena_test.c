#include "page_arena.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "unit.h"

#define SMALL "REGION=64M"

static void *alloc(PageArena *arena, size_t size)
{
    void *memory = page_arena_alloc_pages(arena, size);
    CHECK(memory != NULL && (uintptr_t)memory % PAGE_BYTES == 0);
    CHECK(unit_is_zero(memory, align_up(size, PAGE_BYTES)));
    unit_fill(memory, align_up(size, PAGE_BYTES), 1);
    return memory;
}

static bool filled(const void *memory, size_t size)
{
    return unit_filled(memory, size, 1);
}

static bool is_ours(const void *memory)
{
    return region_owns((uintptr_t)memory);
}

static bool is_nothing_live(void)
{
    return !page_map_any(PAGE_LIVE, 0, region_used_pages());
}

static void thread_arena(void)
{
    unit_knobs(SMALL);
    CHECK(g_page_arena == NULL);
    errno = 77;
    void *a = alloc(NULL, 1);
    CHECK(is_ours(a));
    CHECK(g_page_arena != NULL);
    void *b = alloc(g_page_arena, 64 * KIB);
    page_arena_free_pages(NULL, a, 1);
    page_arena_free_pages(g_page_arena, b, 64 * KIB);
    CHECK(is_nothing_live());
    CHECK_EQUAL(errno, 77);
    CHECK_EQUAL(g_page_arena->total_allocs, 2);
    CHECK_EQUAL(g_page_arena->total_frees, 2);
    CHECK_EQUAL(g_page_arena->bytes_out, 68 * KIB);
    CHECK_EQUAL(g_page_arena->mmap_calls, 0);
    CHECK(alloc(NULL, 1) == a && alloc(NULL, 64 * KIB) == b);
}

static void nonsense(void)
{
    unit_knobs(SMALL);
    CHECK(page_arena_alloc_pages(NULL, 0) == NULL);
    CHECK(page_arena_alloc_pages(NULL, SIZE_MAX) == NULL);
    CHECK(page_arena_alloc_pages(NULL, (size_t)PTRDIFF_MAX + 1) == NULL);
    CHECK(page_arena_alloc_pages(NULL, PTRDIFF_MAX) == NULL);
    CHECK(page_arena_alloc_aligned(NULL, 1, 0) == NULL);
    CHECK(page_arena_alloc_aligned(NULL, 1, 3 * PAGE_BYTES) == NULL);
    CHECK(page_arena_alloc_aligned(NULL, 1, (size_t)1 << 63) == NULL);
    CHECK(page_arena_alloc_aligned(NULL, PTRDIFF_MAX, (size_t)1 << 63) == NULL);
    CHECK(page_arena_alloc_aligned(NULL, 0, PAGE_BYTES) == NULL);
    page_arena_free_pages(NULL, NULL, 0);
    page_arena_free_pages(NULL, NULL, 5);
    page_arena_free_aligned(NULL, NULL, 5);
    void *memory = alloc(NULL, 1);
    page_arena_free_pages(NULL, memory, 0);
    CHECK(filled(memory, PAGE_BYTES));
}

static void alignments(void)
{
    unit_knobs("REGION=4G");
    for (size_t alignment = 1; alignment <= GIB; alignment *= 2) {
        static const size_t sizes[] = {1, 5000, 64 * KIB, 200 * KIB, 2 * MIB};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unit_context("size %zu, alignment %zu", sizes[i], alignment);
            char *memory = page_arena_alloc_aligned(NULL, sizes[i], alignment);
            CHECK(memory != NULL && (uintptr_t)memory % alignment == 0);
            CHECK((uintptr_t)memory % PAGE_BYTES == 0);
            memset(memory, 1, sizes[i]);
            page_arena_free_aligned(NULL, memory, sizes[i]);
        }
    }
    CHECK(is_nothing_live());
}

static void natural_alignment(void)
{
    unit_knobs("REGION=1G");
    alloc(NULL, 1);
    for (size_t size = 64 * KIB; size <= 64 * MIB; size *= 2)
        CHECK_EQUAL((uintptr_t)alloc(NULL, size) % size, 0);
}

static void arenas_of_a_user(void)
{
    PageArena a;
    PageArena b;
    unit_knobs(SMALL);
    CHECK(page_arena_init(&a) && page_arena_init(&b));
    char *memory = alloc(&a, 64 * KIB);
    page_arena_free_pages(&b, memory, 64 * KIB);
    CHECK(alloc(&b, 64 * KIB) == memory);
    page_arena_free_pages(&a, memory, 64 * KIB);
    page_arena_free_pages(&a, alloc(&a, PAGE_BYTES), PAGE_BYTES);
    CHECK_EQUAL(a.total_allocs, 2);
    CHECK_EQUAL(b.total_frees, 1);
    CHECK(page_map_any(PAGE_CACHED, 0, region_used_pages()));
    page_arena_shutdown(&a);
    page_arena_shutdown(&b);
    CHECK(!page_map_any(PAGE_CACHED, 0, region_used_pages()));
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, region_used_pages()), region_used_pages());
    CHECK(g_page_arena == NULL);
}

static void no_memory_for_an_arena(void)
{
    PageArena arena;
    unit_start(SMALL);
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    CHECK(!page_arena_init(&arena));
    CHECK(page_arena_init(&arena));
    page_arena_shutdown(&arena);
}

static void freed_in_parts(void)
{
    struct unit_random random = unit_random_seeded(unit_seed(1));
    enum { NPAGES = 512 };
    unit_knobs(SMALL);
    for (int round = 0; round < 20; round++) {
        char *memory = alloc(NULL, NPAGES * PAGE_BYTES);
        bool freed[NPAGES] = {false};
        for (size_t left = NPAGES; left > 0;) {
            size_t page = unit_random_below(&random, NPAGES);
            size_t end = page;
            while (end < NPAGES && end < page + 40 && !freed[end]) {
                freed[end++] = true;
                left--;
            }
            page_arena_free_pages(NULL, memory + page * PAGE_BYTES, (end - page) * PAGE_BYTES);
            for (size_t other = 0; other < NPAGES; other++)
                CHECK(freed[other] || filled(memory + other * PAGE_BYTES, 8));
        }
        CHECK(is_nothing_live());
    }
}

static void *handed_over[100];

static void free_all(size_t index)
{
    for (size_t i = index; i < 100; i += 2)
        page_arena_free_pages(NULL, handed_over[i], 4096 * (i + 1));
}

static void freed_by_other_threads(void)
{
    unit_knobs("REGION=256M");
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 100; i++)
            handed_over[i] = alloc(NULL, 4096 * (i + 1));
        unit_threads(2, free_all);
        CHECK(is_nothing_live());
        CHECK(!page_map_any(PAGE_CACHED, 0, region_used_pages()));
    }
}

static size_t unmapped_bytes;

static long munmap_counted(const long *arguments)
{
    unmapped_bytes += (size_t)arguments[1];
    return fake_real(SYS_munmap, arguments);
}

static void exhausted_region(void)
{
    unit_knobs(SMALL);
    char *last = NULL;
    size_t ours = 0;
    for (int i = 0; i < 40; i++) {
        last = alloc(NULL, 2 * MIB);
        ours += is_ours(last);
    }
    CHECK_EQUAL(ours, 32);
    CHECK(!is_ours(last));
    CHECK_EQUAL(g_page_arena->mmap_calls, 8);
    uint64_t unmaps = fake_count(SYS_munmap);
    page_arena_free_pages(NULL, last, MIB);
    CHECK(filled(last + MIB, MIB));
    page_arena_free_pages(NULL, last + MIB, MIB);
    CHECK_EQUAL(fake_count(SYS_munmap), unmaps + 2);
    /* Aligned, and nothing is left behind around it. */
    fake_handle(SYS_munmap, munmap_counted);
    for (size_t alignment = 8 * KIB; alignment <= 64 * MIB; alignment *= 2) {
        unmapped_bytes = 0;
        char *memory = page_arena_alloc_aligned(NULL, 4 * MIB, alignment);
        CHECK(memory != NULL && !is_ours(memory) && (uintptr_t)memory % alignment == 0);
        CHECK_EQUAL(unmapped_bytes, max_size(alignment, 4 * MIB));
        memset(memory, 1, 4 * MIB);
        page_arena_free_aligned(NULL, memory, 4 * MIB);
    }
}

/* The promise does not depend on which layer serves. */
static void natural_alignment_of_cold_memory(void)
{
    unit_knobs(SMALL);
    while (is_ours(page_arena_alloc_pages(NULL, 4 * KIB)))
        ;
    for (int i = 0; i < 10; i++)
        for (size_t size = 64 * KIB; size <= 2 * MIB; size *= 2) {
            void *memory = alloc(NULL, size);
            CHECK(!is_ours(memory));
            CHECK_EQUAL((uintptr_t)memory % size, 0);
        }
}

static void no_memory_at_all(void)
{
    unit_knobs(SMALL);
    while (is_ours(alloc(NULL, 2 * MIB)))
        ;
    fake_fail(SYS_mmap, 1, FAKE_EVER, ENOMEM);
    errno = 77;
    CHECK(page_arena_alloc_pages(NULL, 2 * MIB) == NULL);
    CHECK(page_arena_alloc_aligned(NULL, 2 * MIB, 4 * MIB) == NULL);
    CHECK_EQUAL(errno, 77);
}

static void what_the_environment_says(void)
{
    unit_knobs("ENABLE=1 HOT_SIZE=100 WARM_64K=20");
    CHECK(page_arena_enabled());
    CHECK_EQUAL(page_arena_hot_size(), 128);
    CHECK_EQUAL(page_arena_warm_64k_size(), 20);
    CHECK_EQUAL(page_arena_warm_128k_size(), 128);
    CHECK_EQUAL(page_arena_warm_2m_size(), 64);
}

UNIT_MAIN(UNIT_CASE(thread_arena), UNIT_CASE(nonsense), UNIT_CASE(alignments),
          UNIT_CASE(natural_alignment), UNIT_CASE(arenas_of_a_user),
          UNIT_CASE(no_memory_for_an_arena), UNIT_CASE(freed_in_parts),
          UNIT_CASE(freed_by_other_threads), UNIT_CASE(exhausted_region),
          UNIT_CASE(natural_alignment_of_cold_memory), UNIT_CASE(no_memory_at_all),
          UNIT_CASE(what_the_environment_says))
