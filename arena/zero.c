#include "zero.h"

#include <emmintrin.h>
#include <string.h>

#include "config.h"
#include "huge.h"
#include "os.h"
#include "region.h"

/*
 * What was dirty when it was handed out was cleared, and is resident, unless the program has given it
 * back since: then it is not noted as dirty any more. Of other pages only mincore(2) knows. It takes
 * about a microsecond: as long as clearing 20 pages. Spans below FEW_PAGES are always taken as dirty; up
 * to ASKED_PAGES, a span that was touched for the most part speaks for the next UNASKED of its size.
 * Larger ones are always asked about: what was never touched must not become resident by being cleared.
 */
#define FEW_PAGES 4
#define ASKED_PAGES 32
#define UNASKED 15

/* Pages asked about in one call. */
#define WINDOW_PAGES 2048

/* sysinfo(2) is asked for swap again after so many uses of the answer. */
#define SWAP_USES 32

static bool residency_unknown;

static bool has_swap(void)
{
    static bool answer;
    static unsigned uses;
    if (__atomic_fetch_add(&uses, 1, __ATOMIC_RELAXED) % SWAP_USES == 0)
        __atomic_store_n(&answer, os_has_swap(), __ATOMIC_RELAXED);
    return __atomic_load_n(&answer, __ATOMIC_RELAXED);
}

static void clear_dirty(size_t first, size_t npages)
{
    size_t end = first + npages;
    for (struct run run = {first, 0}; run.first < end; run.first += run.npages) {
        run = page_map_next(PAGE_DIRTY, true, run.first, end);
        if (run.npages != 0)
            memset(region_addr(run.first), 0, run.npages * PAGE_BYTES);
    }
}

void zero_prepare(size_t first, size_t npages)
{
    clear_dirty(first, npages);
    invariant(g_config.guard == GUARD_TRACES ||
              bytes_are_zero(region_addr(first), npages * PAGE_BYTES));
}

static void note_purged(size_t first, size_t npages)
{
    page_map_clear(PAGE_DIRTY, first, npages);
    huge_purged(first, npages);
}

bool zero_purge(size_t first, size_t npages)
{
    huge_unfold(first, npages);
    if (!os_purge(region_addr(first), npages * PAGE_BYTES))
        return false;
    note_purged(first, npages);
    return true;
}

bool zero_purge_runs(const struct run *runs, size_t count)
{
    struct os_range ranges[OS_RANGES_MOST] = {{NULL, 0}};
    for (size_t i = 0; i < count; i++) {
        huge_unfold(runs[i].first, runs[i].npages);
        ranges[i] = (struct os_range){region_addr(runs[i].first), runs[i].npages * PAGE_BYTES};
    }
    size_t done = os_purge_ranges(ranges, count);
    bool any = done != 0;
    for (size_t i = 0; i < done; i++)
        note_purged(runs[i].first, runs[i].npages);
    for (size_t i = done; i < count; i++)
        any |= zero_purge(runs[i].first, runs[i].npages);
    return any;
}

/* Bit 0 of 64 bytes as a word. */
static uint64_t residency_word(const unsigned char *bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < GROUP_PAGES; i += 16) {
        __m128i part = _mm_loadu_si128((const __m128i *)(bytes + i));
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_slli_epi16(part, 7));
        word |= (uint64_t)bits << i;
    }
    return word;
}

/* At most WINDOW_PAGES pages that do not cross a multiple of as many. Returns how many are dirty. */
static size_t retire_window(size_t first, size_t npages, bool swap)
{
    /* The byte of page p is at p modulo the window, so that groups of bytes match groups of pages. */
    unsigned char residency[WINDOW_PAGES];
    size_t end = first + npages;
    if (!os_resident(region_addr(first), npages, residency + first % WINDOW_PAGES)) {
        page_map_set(PAGE_DIRTY, first, npages);
        return npages;
    }
    size_t ndirty = 0;
    for (size_t from = first; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        size_t group = align_down(page, GROUP_PAGES);
        uint64_t resident = residency_word(residency + group % WINDOW_PAGES) & mask;
        ndirty += bits_set(resident);
        page_word_set(PAGE_DIRTY, page, resident);
        if (!swap)
            page_word_take(PAGE_DIRTY, page, mask & ~resident);
        for (uint64_t gone = swap ? mask & ~resident : 0; gone != 0;) {
            struct run run = page_word_run(gone);
            if (!zero_purge(group + run.first, run.npages))
                page_map_set(PAGE_DIRTY, group + run.first, run.npages);
            gone &= ~page_mask(run.first, run.npages);
        }
    }
    return ndirty;
}

void zero_scrub(size_t first, size_t npages)
{
    if (unlikely(g_config.scrub != 0))
        clear_dirty(first, npages);
}

/* How many are dirty. */
static size_t ask(size_t first, size_t npages)
{
    bool swap = has_swap();
    size_t ndirty = 0;
    for (size_t from = first, end = first + npages; from < end;) {
        size_t next = min_size(align_down(from, WINDOW_PAGES) + WINDOW_PAGES, end);
        ndirty += retire_window(from, next - from, swap);
        from = next;
    }
    return ndirty;
}

void zero_ask(size_t first, size_t npages)
{
    if (residency_unknown)
        page_map_set(PAGE_DIRTY, first, npages);
    else if (page_map_count(PAGE_DIRTY, first, npages) != npages)
        ask(first, npages);
}

static void classify(size_t first, size_t npages, PageDensity *density)
{
    /* What was never touched must not become resident by being scrubbed. */
    bool may_guess = npages <= ASKED_PAGES && likely(g_config.scrub == 0);
    unsigned char *unasked = may_guess ? &density->unasked[npages] : NULL;
    if (npages >= FEW_PAGES && page_map_count(PAGE_DIRTY, first, npages) == npages)
        return;
    if (npages < FEW_PAGES || residency_unknown || (unasked != NULL && *unasked != 0)) {
        if (unasked != NULL && *unasked != 0)
            --*unasked;
        page_map_set(PAGE_DIRTY, first, npages);
        return;
    }
    size_t ndirty = ask(first, npages);
    if (unasked != NULL && ndirty >= npages - npages / 4)
        *unasked = UNASKED;
}

void zero_retire(size_t first, size_t npages, PageDensity *density)
{
    classify(first, npages, density);
    zero_scrub(first, npages);
}

static void copy_window(char *to, size_t first, size_t npages, bool swap)
{
    unsigned char residency[WINDOW_PAGES];
    bool known = !swap && !residency_unknown && os_resident(region_addr(first), npages, residency);
    for (size_t i = 0; i < npages; i++)
        if (!known || (residency[i] & 1) != 0)
            memcpy(to + i * PAGE_BYTES, region_addr(first + i), PAGE_BYTES);
}

void zero_copy(void *to, size_t first, size_t npages)
{
    bool swap = has_swap();
    for (size_t done = 0; done < npages; done += WINDOW_PAGES)
        copy_window((char *)to + done * PAGE_BYTES, first + done,
                    min_size(npages - done, WINDOW_PAGES), swap);
}

bool zero_selftest(void)
{
    size_t page = region_alloc(2, 0);
    if (page == NO_PAGE)
        return false;
    volatile char *byte = region_addr(page);
    unsigned char residency[2] = {0, 0};
    *byte = 1;
    residency_unknown = !os_resident(region_addr(page), 2, residency) || (residency[0] & 1) == 0;
    bool purges = os_purge(region_addr(page), PAGE_BYTES) && *byte == 0;
    /* Reading has made the page resident: not dirty, but not to be counted as free of cost. */
    os_purge(region_addr(page), PAGE_BYTES);
    region_free(page, 2);
    return purges;
}
