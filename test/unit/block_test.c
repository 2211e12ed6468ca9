#include "block.h"
#include "block_tag.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chunk.h"
#include "config.h"
#include "fake_kernel.h"
#include "odd.h"
#include "region.h"
#include "router.h"
#include "space.h"
#include "thread.h"
#include "unit.h"

#define SMALL "REGION=64M"
#define UNITS_MOST (RUN_MOST * UNIT_BYTES)

static bool is_in_block(size_t page)
{
    return page < max_size(block_end_at(page), block_end_before(page));
}

static PageArena second;

static PageArena *enter(const char *settings)
{
    unit_start(settings);
    PageArena *arena = thread_enter();
    CHECK(arena != NULL);
    CHECK(router_init_arena(&second));
    return arena;
}

static size_t page_of(const void *block)
{
    return region_page((uintptr_t)block);
}

static struct run pages_of(const void *block, size_t nbytes)
{
    size_t first = page_of(block);
    return (struct run){first, page_of((const char *)block + nbytes - 1) + 1 - first};
}

static size_t count(enum page_bit bit, struct run run)
{
    return page_map_count(bit, run.first, run.npages);
}

/* Filled to its end with a tag; bytes: what it has. */
static char *take(PageArena *arena, size_t nbytes, uint16_t tag)
{
    char *block = block_alloc(arena, nbytes, 1, false);
    CHECK(block != NULL);
    size_t bytes = block_bytes(block);
    CHECK(bytes >= nbytes && bytes < nbytes + PAGE_BYTES);
    struct run pages = pages_of(block, bytes);
    CHECK_EQUAL(count(PAGE_LIVE, pages), pages.npages);
    unit_fill(block, bytes, tag);
    return block;
}

static bool holds(const char *block, uint16_t tag)
{
    return unit_filled(block, block_bytes(block), tag);
}

static bool is_whole_region_free(void)
{
    size_t used = region_used_pages();
    return page_map_count(PAGE_FREE, 0, used) + page_map_count(PAGE_CACHED, 0, used) == used;
}

static const size_t sizes[] = {4096,   4097,   4608,   5000,    8192,    10000,   32768, 65536,
                               100000, 131072, 131073, 1 << 20, 2 << 20, 5000000, 20480};
#define NSIZES (sizeof sizes / sizeof *sizes)

static void sizes_and_alignments(void)
{
    static const size_t alignments[] = {1, 16, 64, 128, 512, 1024, 4096, 8192, 65536, 1 << 20};
    PageArena *arena = enter(SMALL);
    for (size_t k = 0; k < sizeof alignments / sizeof *alignments; k++) {
        char *blocks[NSIZES];
        for (size_t i = 0; i < NSIZES; i++) {
            blocks[i] = block_alloc(arena, sizes[i], alignments[k], false);
            CHECK(blocks[i] != NULL);
            CHECK_EQUAL((uintptr_t)blocks[i] % max_size(alignments[k], UNIT_BYTES), 0);
            size_t grain =
                sizes[i] <= UNITS_MOST && alignments[k] <= UNIT_BYTES ? UNIT_BYTES : PAGE_BYTES;
            CHECK_EQUAL(block_bytes(blocks[i]), align_up(sizes[i], grain));
            unit_fill(blocks[i], block_bytes(blocks[i]), i + 1);
        }
        for (size_t i = 0; i < NSIZES; i++) {
            CHECK(holds(blocks[i], (uint16_t)(i + 1)));
            block_free(arena, blocks[i]);
            CHECK_EQUAL(block_bytes(blocks[i]), 0);
        }
    }
    block_flush(arena);
    router_flush(arena);
    CHECK(is_whole_region_free());
}

static void no_block_starts_elsewhere(void)
{
    PageArena *arena = enter(SMALL);
    char *blocks[] = {take(arena, 5000, 1), take(arena, 4096, 2), take(arena, 9000, 3),
                      take(arena, 200000, 4), take(arena, 4096, 5)};
    block_free(arena, blocks[4]);
    blocks[4] = take(arena, 4608, 5);
    char *end = (char *)region_addr(region_used_pages());
    size_t found = 0;
    for (char *at = region_addr(0); at < end; at += 16) {
        bool starts = false;
        for (int i = 0; i < 5; i++)
            starts |= at == blocks[i];
        CHECK_EQUAL(block_bytes(at) != 0, starts);
        found += starts;
    }
    CHECK_EQUAL(found, 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQUAL(block_bytes(blocks[i] + 1), 0);
}

static void pages_of_blocks_are_known(void)
{
    PageArena *arena = enter(SMALL);
    char *first = take(arena, 5000, 1);
    char *small = take(arena, 9000, 2);
    char *large = take(arena, 200000, 3);
    for (size_t page = 0; page < region_used_pages(); page++) {
        bool expected = false;
        char *blocks[] = {first, small, large};
        for (int i = 0; i < 3; i++) {
            struct run run = pages_of(blocks[i], block_bytes(blocks[i]));
            expected |= page - run.first < run.npages;
        }
        CHECK_EQUAL(is_in_block(page), expected);
    }
}

static void freed_memory_comes_back(void)
{
    PageArena *arena = enter(SMALL);
    take(arena, 4096, 1);
    char *block = take(arena, 10000, 2);
    take(arena, 4096, 3);
    block_free(arena, block);
    CHECK(take(arena, 10000, 4) == block);
}

/* Never used, used before, and dirty from the region; with starts and ends everywhere in a page. */
static void zero_when_asked(void)
{
    PageArena *arena = enter(SMALL " WARM_2M=4");
    char *dirty[12];
    for (int i = 0; i < 12; i++)
        dirty[i] = take(arena, 4 * MIB, 9);
    for (int i = 0; i < 12; i++)
        block_free(arena, dirty[i]);
    CHECK(region_dirty_pages() > 3 * SUPER_PAGES);
    for (int round = 0; round < 3; round++) {
        char *blocks[300];
        size_t bytes = BLOCK_LEAST;
        for (int i = 0; i<300; i++, bytes = bytes> 40000 ? BLOCK_LEAST : bytes + UNIT_BYTES) {
            bool zero = i % 3 != 0;
            blocks[i] = block_alloc(arena, bytes - 8, 1, zero);
            CHECK(blocks[i] != NULL);
            size_t usable = block_bytes(blocks[i]);
            CHECK(usable >= bytes && usable <= bytes + bytes / 8);
            CHECK(!zero || unit_is_zero(blocks[i], usable));
            if (i % 5 != 0)
                unit_fill(blocks[i], usable, 7);
        }
        for (int i = 0; i < 300; i++)
            if (i % 7 != round)
                block_free(arena, blocks[i]);
        if (round == 1)
            block_flush(arena);
    }
    for (size_t i = 0; i < NSIZES; i++) {
        char *block = block_alloc(arena, sizes[i], 1, true);
        CHECK(block != NULL && unit_is_zero(block, block_bytes(block)));
        unit_fill(block, block_bytes(block), 1);
        block_free(arena, block);
    }
    /* What was blocks reads as zero as a mapping, too. */
    block_flush(arena);
    for (int i = 0; i < 10; i++) {
        void *addr = router_map(arena, SUPER_PAGES, 0, 0);
        CHECK(addr != NULL && unit_is_zero(addr, SUPER_BYTES));
    }
}

static void resized_in_place(void)
{
    PageArena *arena = enter(SMALL);
    char *block = take(arena, 20000, 1);
    char *behind = take(arena, 5000, 2);
    CHECK(block + block_bytes(block) == behind);
    CHECK(!block_resize(arena, block, 20481));
    CHECK(block_resize(arena, block, 9000));
    CHECK_EQUAL(block_bytes(block), 9216);
    CHECK(holds(block, 1) && holds(behind, 2));
    CHECK(take(arena, 11264, 3) == block + 9216);
    CHECK(!block_resize(arena, block, 9217));
    block_free(arena, block + 9216);
    CHECK(block_resize(arena, block, 20480));
    CHECK_EQUAL(block_bytes(block), 20480);
    CHECK(unit_filled(block, 9216, 1));
    unit_fill(block, 20480, 4);
    CHECK(holds(behind, 2));
    CHECK(block_resize(arena, behind, UNITS_MOST));
    CHECK(block_resize(arena, behind, 2 * UNITS_MOST));
    CHECK(!block_resize(arena, behind, SUPER_BYTES));
    CHECK_EQUAL(block_bytes(behind), 2 * UNITS_MOST);
    CHECK(unit_filled(behind, 5120, 2));
    CHECK(block_resize(arena, behind, UNITS_MOST));
    block_free(arena, block);
    block_free(arena, behind);
    CHECK_EQUAL(arena->blocks.nout, 0);
    block_flush(arena);
    CHECK(is_whole_region_free());
}

static void pages_resized_in_place(void)
{
    PageArena *arena = enter(SMALL);
    char *block = take(arena, 100 * PAGE_BYTES, 1);
    struct run pages = pages_of(block, 100 * PAGE_BYTES);
    CHECK(block_resize(arena, block, 40 * PAGE_BYTES - 5));
    CHECK_EQUAL(block_bytes(block), 40 * PAGE_BYTES);
    CHECK_EQUAL(count(PAGE_LIVE, pages), 40);
    CHECK(holds(block, 1));
    CHECK(block_resize(arena, block, 100 * PAGE_BYTES));
    CHECK_EQUAL(count(PAGE_LIVE, pages), 100);
    CHECK(unit_filled(block, 40 * PAGE_BYTES, 1));
    CHECK(router_map_at(arena, pages.first + 100, 1, 0));
    CHECK(!block_resize(arena, block, 100 * PAGE_BYTES + 1));
    CHECK_EQUAL(block_bytes(block), 100 * PAGE_BYTES);
    block_free(arena, block);
    router_free_live(arena, pages.first + 100, 1);
    router_flush(arena);
    CHECK(is_whole_region_free());
}

/* realloc(3) of a block to a few bytes, where the next malloc has none. */
static void no_block_becomes_shorter_than_the_least(void)
{
    PageArena *arena = enter(SMALL);
    char *first = take(arena, BLOCK_LEAST + UNIT_BYTES, 1);
    char *block = take(arena, 20000, 2);
    char *behind = take(arena, 5000, 3);
    block_free(arena, first);
    CHECK(take(arena, BLOCK_LEAST, 1) == first);
    CHECK(block_resize(arena, block, 1));
    CHECK_EQUAL(block_bytes(block), BLOCK_LEAST);
    block_free(arena, block);
    block_free(arena, first);
    CHECK(holds(behind, 3));
    char *large = take(arena, 200000, 4);
    CHECK(block_resize(arena, large, 1));
    CHECK_EQUAL(block_bytes(large), BLOCK_LEAST);
    block_free(arena, large);
    block_free(arena, behind);
    block_flush(arena);
    router_flush(arena);
    CHECK(is_whole_region_free());
}

static void not_resized_by_others(void)
{
    PageArena *arena = enter(SMALL);
    char *block = take(arena, 20000, 1);
    CHECK(!block_resize(&second, block, 10000));
    CHECK(!block_resize(&second, block, 30000));
    odd_mark(PAGE_ADVISED, page_of(block) + 1, 1);
    CHECK(!block_resize(arena, block, 10000));
    odd_unmark(PAGE_ADVISED, page_of(block) + 1, 1);
    block_abandon(arena, true);
    CHECK(block_resize(&second, block, 10000));
    CHECK(!block_resize(arena, block, 8192));
    CHECK(block_resize(&second, block, 20000));
    CHECK(unit_filled(block, 10000, 1));
}

/*
 * Blocks that the program has changed, or has unmapped a part of, are not used again; what of their
 * pages is others' stays as it is.
 */
static void free_changed(void (*change)(PageArena *arena, size_t page))
{
    PageArena *arena = enter(SMALL);
    char *before = take(arena, 5000, 1);
    char *block = take(arena, 40000, 2);
    char *behind = take(arena, 5000, 3);
    struct run pages = pages_of(block, block_bytes(block));
    size_t nfree = arena->blocks.nfree;
    change(arena, pages.first + 4);
    block_free(arena, block);
    CHECK_EQUAL(block_bytes(block), 0);
    CHECK_EQUAL(arena->blocks.nfree, nfree);
    CHECK_EQUAL(count(PAGE_LIVE, pages), 2);
    CHECK(page_map_any(PAGE_LIVE, pages.first, 1));
    CHECK(page_map_any(PAGE_LIVE, pages.first + pages.npages - 1, 1));
    CHECK(!page_map_any(PAGE_ODD, pages.first + 1, pages.npages - 2));
    CHECK(holds(before, 1) && holds(behind, 3));
    block_free(arena, before);
    block_free(arena, behind);
    for (int i = 0; i < 100; i++) {
        char *other = take(arena, 10000, 4);
        CHECK(other + block_bytes(other) <= block || other >= block + 40448);
    }
}

static void tear(PageArena *arena, size_t page)
{
    (void)arena;
    odd_mark(PAGE_TORN, page, 1);
}

static void advise(PageArena *arena, size_t page)
{
    (void)arena;
    odd_mark(PAGE_ADVISED, page, 3);
}

static void unmap_one(PageArena *arena, size_t page)
{
    router_free_live(arena, page, 1);
}

static void torn_blocks(void)
{
    free_changed(tear);
}

static void advised_blocks(void)
{
    free_changed(advise);
}

static void partly_unmapped_blocks(void)
{
    free_changed(unmap_one);
}

static void changed_pages(void)
{
    PageArena *arena = enter(SMALL);
    char *block = take(arena, 200000, 1);
    struct run pages = pages_of(block, block_bytes(block));
    odd_mark(PAGE_TORN, pages.first + 3, 1);
    router_free_live(arena, pages.first + 7, 2);
    CHECK(!block_resize(arena, block, 300000));
    fake_reset();
    block_free(arena, block);
    CHECK_EQUAL(count(PAGE_LIVE, pages) + count(PAGE_ODD, pages), 0);
    CHECK_EQUAL(fake_count(SYS_mmap), 1);
    router_flush(arena);
    CHECK(is_whole_region_free());
}

/* A run that is hardly too long for it makes a block longer than the longest request. */
static void the_longest_ends_in_the_page_of_the_next(void)
{
    PageArena *arena = enter(SMALL " MAX_SPAN=64K");
    CHECK(block_alloc(arena, 15 * UNIT_BYTES, 1, false) != NULL);
    char *longest = block_alloc(arena, 132 * UNIT_BYTES, 1, false);
    char *next = block_alloc(arena, 40 * UNIT_BYTES, 1, false);
    CHECK(longest + 132 * UNIT_BYTES == next);
    block_free(arena, longest);
    CHECK(block_alloc(arena, 128 * UNIT_BYTES, 1, false) == longest);
    CHECK_EQUAL(block_bytes(longest), 132 * UNIT_BYTES);
    size_t page = region_page((uintptr_t)next);
    CHECK_EQUAL(block_end_before(page), page + 1);
}

/* Whoever frees a part of what an arena has left adopts it. */
static void abandoned(bool last_first)
{
    PageArena *arena = enter(SMALL);
    char *blocks[100];
    for (int i = 0; i < 100; i++)
        blocks[i] = take(&second, 4096 + 100 * (size_t)i, (uint16_t)i);
    for (int i = 1; i < 99; i += 2)
        block_free(&second, blocks[i]);
    block_abandon(&second, true);
    CHECK_EQUAL(second.blocks.nfree + second.blocks.granted, 0);
    for (int k = 0; k < 100; k++) {
        int i = last_first ? 99 - k : k;
        if (i % 2 != 0 && i != 99)
            continue;
        CHECK(holds(blocks[i], (uint16_t)i));
        block_free(arena, blocks[i]);
        CHECK_EQUAL(arena->blocks.nremote + second.blocks.nremote, 0);
        CHECK(arena->blocks.nfree >= RUN_LEAST);
        char *other = take(arena, 6000, 1000);
        CHECK(holds(other, 1000));
        block_free(arena, other);
    }
    block_flush(arena);
    CHECK(is_whole_region_free());
}

static void adopted_by_the_last(void)
{
    abandoned(true);
}

static void adopted_by_the_first(void)
{
    abandoned(false);
}

/* What a thread left half done is nobody's: only whole pages of it are used again. */
static void abandoned_in_the_midst(void)
{
    PageArena *arena = enter(SMALL);
    char *block = take(&second, 40000, 1);
    char *other = take(&second, 5000, 2);
    char *freed = take(&second, 5000, 3);
    block_free(arena, freed);
    block_abandon(&second, false);
    CHECK(!block_resize(arena, block, 20000));
    block_free(arena, block);
    CHECK_EQUAL(arena->blocks.nfree, 0);
    CHECK_EQUAL(page_map_count(PAGE_LIVE, page_of(block), 10), 1);
    CHECK(holds(other, 2));
    /* The next thread that has the arena finds what was left for it. */
    CHECK(take(&second, 5000, 4) != freed);
    CHECK_EQUAL(second.blocks.remote, 0);
    CHECK_EQUAL(block_bytes(freed), 0);
}

static void left_for_the_owner(void)
{
    PageArena *arena = enter(SMALL);
    char *blocks[10];
    for (int i = 0; i < 10; i++)
        blocks[i] = take(arena, 8192, (uint16_t)i);
    size_t nfree = arena->blocks.nfree;
    for (int i = 0; i < 10; i++)
        block_free(i % 3 != 0 ? &second : NULL, blocks[i]);
    CHECK_EQUAL(arena->blocks.nremote, 160);
    CHECK_EQUAL(arena->blocks.nfree, nfree);
    CHECK(take(arena, 80 * KIB, 99) == blocks[0]);
    CHECK_EQUAL(arena->blocks.nremote, 0);
    CHECK_EQUAL(arena->blocks.nfree, nfree);
    block_free(&second, blocks[0]);
    block_flush(arena);
    CHECK_EQUAL(arena->blocks.nout, 0);
    CHECK(is_whole_region_free());
}

/* What is left for an arena that others have taken over goes on to these. */
static void left_for_a_former_owner(void)
{
    PageArena *arena = enter(SMALL);
    char *blocks[10];
    for (int i = 0; i < 10; i++)
        blocks[i] = take(&second, 8192, (uint16_t)i);
    for (int i = 0; i < 4; i++)
        block_free(arena, blocks[i]);
    chunk_abandon(&second, true);
    CHECK_EQUAL(second.blocks.nremote, 64);
    block_free(arena, blocks[4]);
    block_flush(&second);
    CHECK_EQUAL(second.blocks.nremote, 0);
    CHECK_EQUAL(arena->blocks.nremote, 64);
    for (int i = 5; i < 10; i++)
        block_free(arena, blocks[i]);
    block_flush(arena);
    CHECK_EQUAL(arena->blocks.nremote, 0);
    CHECK(is_whole_region_free());
}

/* Before a part of a huge page goes, it is split. */
static size_t npurges;

static long madvise_that_counts(const long *arguments)
{
    npurges += arguments[2] == MADV_DONTNEED;
    return fake_real(SYS_madvise, arguments);
}

static void too_much_left_for_the_owner(void)
{
    PageArena *arena = enter(SMALL);
    char *blocks[100];
    for (int i = 0; i < 100; i++)
        blocks[i] = take(arena, 64 * KIB + UNIT_BYTES, (uint16_t)(i + 1));
    size_t n = 129;
    size_t most = 4 * MIB / UNIT_BYTES + 100 * n / 4;
    fake_reset();
    fake_handle(SYS_madvise, madvise_that_counts);
    for (size_t i = 0; i < 100; i++) {
        block_free(&second, blocks[i]);
        size_t excess = (i + 1) * n > most ? i + 1 - most / n : 0;
        CHECK_EQUAL(npurges, excess);
        char *page = (char *)align_up((uintptr_t)blocks[i], PAGE_BYTES);
        CHECK_EQUAL(unit_is_zero(page, 15 * PAGE_BYTES), excess != 0);
        CHECK(i == 99 || unit_filled(blocks[i + 1], 64 * KIB + UNIT_BYTES, i + 2));
    }
    CHECK(fake_count(SYS_madvise) >= 5);
    char *block = block_alloc(arena, 100000, 1, true);
    CHECK(unit_is_zero(block, block_bytes(block)));
    CHECK_EQUAL(arena->blocks.nremote, 0);
    block_free(arena, block);
    block_flush(arena);
    CHECK(is_whole_region_free());
}

static void freed_without_an_arena(void)
{
    PageArena *arena = enter(SMALL);
    char *block = take(arena, 200000, 1);
    struct run pages = pages_of(block, block_bytes(block));
    block_free(NULL, block);
    CHECK_EQUAL(block_bytes(block), 0);
    CHECK_EQUAL(count(PAGE_DEFERRED, pages), pages.npages);
    /* Of an arena that is there no more. */
    block = take(arena, 40000, 2);
    pages = pages_of(block, 9 * PAGE_BYTES);
    block_abandon(arena, true);
    block_free(NULL, block);
    CHECK_EQUAL(block_bytes(block), 0);
    CHECK_EQUAL(count(PAGE_DEFERRED, pages), 9);
    CHECK(region_lock(true));
    region_unlock();
    CHECK_EQUAL(count(PAGE_FREE, pages), 9);
}

static void guarded(void)
{
    PageArena *arena = enter("REGION=64M GUARD=1");
    for (size_t i = 0; i < NSIZES; i++) {
        char *block = take(arena, sizes[i], 1);
        CHECK_EQUAL(block_bytes(block) % PAGE_BYTES + (uintptr_t)block % PAGE_BYTES, 0);
        struct run pages = pages_of(block, block_bytes(block));
        if (sizes[i] >= 8192) {
            CHECK(block_resize(arena, block, 4096));
            CHECK_EQUAL(count(PAGE_LIVE, pages), 1);
        }
        block_free(arena, block);
        CHECK_EQUAL(count(PAGE_LIVE, pages), 0);
        CHECK(madvise(block, PAGE_BYTES, MADV_POPULATE_READ) != 0);
        block = block_alloc(arena, sizes[i], 1, true);
        CHECK(block != NULL && unit_is_zero(block, block_bytes(block)));
        block_free(arena, block);
    }
    CHECK_EQUAL(arena->blocks.nfree, 0);
    router_flush(arena);
    CHECK(is_whole_region_free());
}

static void suspended(void)
{
    PageArena *arena = enter(SMALL);
    char *large = take(arena, 200000, 1);
    char *small = take(arena, 100000, 2);
    char *kept = take(arena, 4608, 3);
    struct run pages = pages_of(large, block_bytes(large));
    router_suspend(true);
    CHECK(block_alloc(arena, 200000, 1, false) == NULL);
    block_free(arena, large);
    CHECK_EQUAL(count(PAGE_LOST, pages), pages.npages);
    pages = pages_of(small, 24 * PAGE_BYTES);
    block_free(arena, small);
    CHECK_EQUAL(count(PAGE_LOST, pages), 24);
    CHECK_EQUAL(block_bytes(large) + block_bytes(small), 0);
    CHECK(holds(kept, 3));
}

static void no_memory(void)
{
    PageArena *arena = enter(SMALL);
    static char *blocks[64 * MIB / 100000 + 2];
    size_t n = 0;
    while ((blocks[n] = block_alloc(arena, 100000, 1, false)) != NULL)
        unit_fill(blocks[n], 100000, n % 1000 + 1), n++;
    CHECK(n > 500);
    CHECK(block_alloc(arena, 4 * MIB, 1, false) == NULL);
    while (n-- != 0) {
        CHECK(unit_filled(blocks[n], 100000, n % 1000 + 1));
        block_free(arena, blocks[n]);
    }
    block_flush(arena);
    CHECK(is_whole_region_free());
}

#define NINHERITED 60
static char *inherited[NINHERITED];

static void inherit(size_t index)
{
    (void)index;
    for (int i = 0; i < NINHERITED / 2; i++) {
        inherited[i] = space_block(5000 + 300 * (size_t)i, 1, true);
        CHECK(inherited[i] != NULL);
        unit_fill(inherited[i], 5000, (uint16_t)(i + 1));
    }
}

static void use_in_child(void)
{
    for (int i = 0; i < NINHERITED; i++)
        CHECK(unit_filled(inherited[i], 5000, (uint16_t)(i + 1)));
    for (int i = 0; i < NINHERITED; i++) {
        space_block_free(inherited[i]);
        char *block = space_block(7000, 1, true);
        CHECK(block != NULL && unit_is_zero(block, 7000));
        unit_fill(block, 7000, 99);
        space_block_free(block);
    }
    for (int i = 0; i < NINHERITED; i++)
        CHECK_EQUAL(block_bytes(inherited[i]), 0);
    block_flush(thread_enter());
    CHECK(is_whole_region_free());
}

static bool is_inherited, is_over;

static void await(const bool *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        usleep(100);
}

/* A thread that is not there in the child has blocks, and so has the one that forks. */
static void fork_beside(size_t index)
{
    if (index == 0) {
        inherit(0);
        __atomic_store_n(&is_inherited, true, __ATOMIC_RELEASE);
        await(&is_over);
        return;
    }
    await(&is_inherited);
    for (int i = NINHERITED / 2; i < NINHERITED; i++) {
        inherited[i] = space_block(5000 + 300 * (size_t)i, 1, false);
        unit_fill(inherited[i], 5000, (uint16_t)(i + 1));
    }
    unit_child(use_in_child);
    unit_child(use_in_child);
    __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
}

static void in_a_forked_child(void)
{
    unit_start(SMALL);
    space_block_free(space_block(5000, 1, false));
    unit_threads(2, fork_beside);
    use_in_child();
}

UNIT_MAIN(UNIT_CASE(sizes_and_alignments), UNIT_CASE(no_block_starts_elsewhere),
          UNIT_CASE(pages_of_blocks_are_known), UNIT_CASE(freed_memory_comes_back),
          UNIT_CASE(zero_when_asked), UNIT_CASE(resized_in_place),
          UNIT_CASE(pages_resized_in_place), UNIT_CASE(no_block_becomes_shorter_than_the_least),
          UNIT_CASE(not_resized_by_others), UNIT_CASE(torn_blocks), UNIT_CASE(advised_blocks),
          UNIT_CASE(partly_unmapped_blocks), UNIT_CASE(changed_pages),
          UNIT_CASE(the_longest_ends_in_the_page_of_the_next), UNIT_CASE(adopted_by_the_last),
          UNIT_CASE(adopted_by_the_first), UNIT_CASE(abandoned_in_the_midst),
          UNIT_CASE(left_for_the_owner), UNIT_CASE(left_for_a_former_owner),
          UNIT_CASE(too_much_left_for_the_owner), UNIT_CASE(freed_without_an_arena),
          UNIT_CASE(guarded), UNIT_CASE(suspended), UNIT_CASE(no_memory),
          UNIT_CASE(in_a_forked_child))
