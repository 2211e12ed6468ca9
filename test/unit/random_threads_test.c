/*
 * Threads that map, write, unmap and hand over to each other at random, each with a model of the
 * spans it owns; a table of owners tells whether a page went to two of them.
 *
 * The first word of every page is written and read where TSan sees it: it finds memory that went
 * from one thread to another without order between them.
 *
 * UNIT_SEED=n UNIT_STEPS=m build/test/unit/random_threads_test.tsan [case] repeats or extends a
 * run, as far as threads can be repeated.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "fake_kernel.h"
#include "page_arena.h"
#include "purge.h"
#include "space.h"
#include "unit.h"

#define NTHREADS 4
#define MAX_SPANS 120
#define STEPS (UNIT_TSAN ? 3000 : 8000)
#define MODEL_PAGES (512 * MIB / PAGE_BYTES)

struct span {
    struct range range;
    uint16_t tag; /* of all its pages; 0: zero */
};

struct worker {
    struct unit_random dice;
    struct span spans[MAX_SPANS];
    size_t nspans;
};

/* 1 + the number of the thread that has the page; NTHREADS + 1: nobody's, on the way. */
static unsigned char owners[MODEL_PAGES];

/* Spans that one thread has mapped and another will unmap. */
static pthread_mutex_t mailbox_lock = PTHREAD_MUTEX_INITIALIZER;
static struct span mailbox[64];
static size_t nmailbox;

static bool claims; /* threads map fixed as well */

static size_t below(struct worker *worker, size_t bound)
{
    return unit_random_below(&worker->dice, bound);
}

static size_t page_count(struct range range)
{
    return (range.end - range.start) / PAGE_BYTES;
}

static void set_owner(struct range range, unsigned char from, unsigned char to)
{
    for (uintptr_t addr = range.start; addr < range.end; addr += PAGE_BYTES)
        CHECK_EQUAL(__atomic_exchange_n(&owners[region_page(addr)], to, __ATOMIC_RELAXED), from);
}

/* Instrumented, unlike unit_fill and unit_filled. */
static void touch_pages(struct range range)
{
    for (uintptr_t addr = range.start; addr < range.end; addr += PAGE_BYTES)
        *(volatile uint64_t *)addr = *(volatile uint64_t *)addr;
}

static void check(const struct span *span)
{
    CHECK(unit_filled((void *)span->range.start, span->range.end - span->range.start, span->tag));
}

static void fill(struct span *span, uint16_t tag)
{
    span->tag = tag;
    touch_pages(span->range);
    unit_fill((void *)span->range.start, span->range.end - span->range.start, tag);
}

static void keep(struct worker *worker, size_t index, struct range range)
{
    struct span *span = &worker->spans[worker->nspans++];
    *span = (struct span){range, 0};
    set_owner(range, 0, (unsigned char)(1 + index));
    check(span);
    touch_pages(range);
    if (below(worker, 8) != 0)
        fill(span, (uint16_t)(1 + below(worker, 65535)));
}

static size_t any_size(struct worker *worker)
{
    size_t kind = below(worker, 100);
    if (kind < 40)
        return 1;
    if (kind < 65)
        return (size_t[]){16, 32, 16, 64, 512}[below(worker, 5)];
    return 1 + below(worker, kind < 97 ? 50 : 1000);
}

/* Where a lock cannot be had, or the region is full, the kernel would serve. */
static void map(struct worker *worker, size_t index)
{
    size_t npages = any_size(worker);
    void *addr = space_map(npages * PAGE_BYTES);
    if (addr != NULL)
        keep(worker, index, range_of(addr, npages * PAGE_BYTES));
}

static struct span *any_span(struct worker *worker)
{
    return &worker->spans[below(worker, worker->nspans)];
}

static void forget(struct worker *worker, struct span *span)
{
    *span = worker->spans[--worker->nspans];
}

static void unmap(struct range range, size_t index)
{
    set_owner(range, (unsigned char)(1 + index), 0);
    space_unmap(range);
}

/* All of a span, its start or its end. */
static void unmap_some(struct worker *worker, size_t index)
{
    struct span *span = any_span(worker);
    check(span);
    size_t npages = page_count(span->range);
    if (npages < 2 || below(worker, 3) != 0) {
        unmap(span->range, index);
        forget(worker, span);
        return;
    }
    uintptr_t middle = span->range.start + (1 + below(worker, npages - 1)) * PAGE_BYTES;
    if (below(worker, 2) == 0) {
        unmap((struct range){span->range.start, middle}, index);
        span->range.start = middle;
    } else {
        unmap((struct range){middle, span->range.end}, index);
        span->range.end = middle;
    }
}

static void hand_over(struct worker *worker, size_t index)
{
    struct span *span = any_span(worker);
    CHECK(pthread_mutex_lock(&mailbox_lock) == 0);
    if (nmailbox < sizeof mailbox / sizeof *mailbox) {
        set_owner(span->range, (unsigned char)(1 + index), NTHREADS + 1);
        mailbox[nmailbox++] = *span;
        forget(worker, span);
    }
    CHECK(pthread_mutex_unlock(&mailbox_lock) == 0);
}

static bool take_from_mailbox(struct worker *worker, size_t index)
{
    bool taken = false;
    CHECK(pthread_mutex_lock(&mailbox_lock) == 0);
    if (nmailbox > 0 && worker->nspans < MAX_SPANS) {
        struct span *span = &worker->spans[worker->nspans++];
        *span = mailbox[--nmailbox];
        set_owner(span->range, NTHREADS + 1, (unsigned char)(1 + index));
        taken = true;
    }
    CHECK(pthread_mutex_unlock(&mailbox_lock) == 0);
    if (taken && worker->nspans > 0) {
        check(&worker->spans[worker->nspans - 1]);
        touch_pages(worker->spans[worker->nspans - 1].range);
    }
    return taken;
}

/* mprotect(PROT_READ), and unmapped so. */
static void unmap_odd(struct worker *worker, size_t index)
{
    struct span *span = any_span(worker);
    size_t npages = page_count(span->range);
    struct range odd = {span->range.start + below(worker, npages) * PAGE_BYTES, span->range.end};
    space_mark(PAGE_TORN, odd);
    CHECK(mprotect((void *)odd.start, odd.end - odd.start, PROT_READ) == 0);
    check(span);
    unmap(span->range, index);
    forget(worker, span);
}

/* Unmaps a span, and maps something of its own there if it is still vacant. */
static void map_fixed(struct worker *worker, size_t index)
{
    struct span *span = any_span(worker);
    struct range range = span->range;
    unmap(range, index);
    forget(worker, span);
    if (page_count(range) > 64 || space_claim(range, true) != CLAIM_OK)
        return;
    if (below(worker, 3) == 0) {
        space_claim_undo(range, false);
        return;
    }
    CHECK(mmap((void *)range.start, range.end - range.start, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)range.start);
    space_claim_end(range, true);
    keep(worker, index, range);
}

static void step(struct worker *worker, size_t index)
{
    size_t kind = below(worker, 100);
    if (worker->nspans == 0 || (kind < 45 && worker->nspans < MAX_SPANS))
        map(worker, index);
    else if (kind < 70)
        unmap_some(worker, index);
    else if (kind < 78)
        hand_over(worker, index);
    else if (kind < 87)
        take_from_mailbox(worker, index);
    else if (kind < 90)
        unmap_odd(worker, index);
    else if (kind < 91)
        purge_all();
    else if (kind < 93 && claims)
        map_fixed(worker, index);
    else
        check(any_span(worker));
}

static struct worker workers[NTHREADS];

static void work(size_t index)
{
    struct worker *worker = &workers[index];
    for (size_t i = 0, end = unit_steps(STEPS); i < end; i++)
        step(worker, index);
    while (worker->nspans > 0 || take_from_mailbox(worker, index))
        unmap_some(worker, index);
}

static void drive(const char *knobs, uint64_t standard_seed)
{
    uint64_t seed = unit_seed(standard_seed);
    unit_start(knobs);
    CHECK(g_region.nbytes / PAGE_BYTES <= MODEL_PAGES);
    unit_time_limit(300);
    unit_context("UNIT_SEED=%lu", seed);
    for (size_t i = 0; i < NTHREADS; i++)
        workers[i].dice = unit_random_seeded(seed * NTHREADS + i);
    unit_threads(NTHREADS, work);
    /* Whoever was last may have missed what came into the mailbox. */
    while (workers[0].nspans > 0 || take_from_mailbox(&workers[0], 0))
        unmap_some(&workers[0], 0);
    space_unmap(range_of(space_map(1000 * PAGE_BYTES), 1000 * PAGE_BYTES));

    size_t npages = g_region.nbytes / PAGE_BYTES;
    size_t used = region_used_pages();
    CHECK_EQUAL(page_map_count(PAGE_LIVE, 0, npages), 0);
    CHECK_EQUAL(page_map_count(PAGE_CLAIMED, 0, npages), 0);
    CHECK_EQUAL(page_map_count(PAGE_CACHED, 0, npages), 0);
    CHECK_EQUAL(page_map_count(PAGE_FREE, 0, used), used);
}

#define SMALLEST "HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4"

static void large_caches(void)
{
    drive("REGION=512M", 1);
}

static void tiny_caches(void)
{
    drive("REGION=512M " SMALLEST, 2);
}

static void guarded(void)
{
    drive("REGION=512M GUARD=1", 3);
}

static void with_fixed_mappings(void)
{
    claims = true;
    drive("REGION=512M " SMALLEST, 4);
}

UNIT_MAIN(UNIT_CASE(large_caches), UNIT_CASE(tiny_caches), UNIT_CASE(guarded),
          UNIT_CASE(with_fixed_mappings))
