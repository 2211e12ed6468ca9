#include "page_map.h"

#include "os.h"

struct page_group *g_page_groups;
static size_t map_bytes;

/* Of the map of so many pages, as whole pages. */
static size_t bytes_for(size_t npages)
{
    return align_up(align_up(npages, GROUP_PAGES) / GROUP_PAGES * sizeof *g_page_groups,
                    PAGE_BYTES);
}

bool page_map_init(size_t npages)
{
    map_bytes = bytes_for(npages);
    g_page_groups = os_map_table(map_bytes);
    return g_page_groups != NULL;
}

void page_map_trim(size_t npages)
{
    size_t kept = bytes_for(npages);
    if (kept < map_bytes)
        os_unmap((char *)g_page_groups + kept, map_bytes - kept);
    map_bytes = kept;
}

void page_map_set_long(enum page_bit bit, size_t first, size_t npages)
{
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        page_word_set(bit, page, mask);
    }
}

void page_map_clear_long(enum page_bit bit, size_t first, size_t npages)
{
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        page_word_take(bit, page, mask);
    }
}

bool page_map_any_long(enum page_bit bit, size_t first, size_t npages)
{
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        if ((page_word_read(bit, page) & mask) != 0)
            return true;
    }
    return false;
}

size_t page_map_count_long(enum page_bit bit, size_t first, size_t npages)
{
    size_t count = 0;
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        count += bits_set(page_word_read(bit, page) & mask);
    }
    return count;
}

/* A word with a bit for each page that has the property looked for. */
typedef uint64_t (*property)(enum page_bit bit, size_t page);

static uint64_t is_set(enum page_bit bit, size_t page)
{
    return page_word_read(bit, page);
}

static uint64_t is_in_flight(enum page_bit bit, size_t page)
{
    (void)bit;
    return ~(page_word_read(PAGE_FREE, page) | page_word_read(PAGE_LIVE, page) |
             page_word_read(PAGE_CACHED, page) | page_word_read(PAGE_DEFERRED, page) |
             page_word_read(PAGE_LOST, page));
}

/* The first page in [from, end) that has the property, or has it not, or end. */
static inline size_t find(property has, enum page_bit bit, bool value, size_t from, size_t end)
{
    while (from < end) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        uint64_t word = has(bit, page);
        uint64_t hits = (value ? word : ~word) & mask;
        if (hits != 0)
            return align_down(page, GROUP_PAGES) + (size_t)__builtin_ctzl(hits);
    }
    return end;
}

struct run page_map_next_long(enum page_bit bit, bool value, size_t from, size_t end)
{
    size_t first = find(is_set, bit, value, from, end);
    return (struct run){first, find(is_set, bit, !value, first, end) - first};
}

struct run page_map_next_in_flight(size_t from, size_t end)
{
    size_t first = find(is_in_flight, PAGE_BITS, true, from, end);
    return (struct run){first, find(is_in_flight, PAGE_BITS, false, first, end) - first};
}

/* Takes pages of one group that were seen set, as far as nobody else was faster. Returns how many. */
static inline size_t take_short(enum page_bit bit, size_t first, size_t npages)
{
    uint64_t mask = page_mask(first, npages);
    uint64_t got = page_word_take(bit, first, mask);
    if (likely(got == mask))
        return npages;
    uint64_t missing = mask & ~got;
    uint64_t prefix = got & ((missing & -missing) - 1);
    page_word_set(bit, first, got & ~prefix);
    return bits_set(prefix);
}

static __attribute__((noinline)) size_t take_long(enum page_bit bit, size_t first, size_t npages)
{
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        size_t taken = take_short(bit, page, from - page);
        if (page + taken != from)
            return page + taken - first;
    }
    return npages;
}

struct run page_map_take_next(enum page_bit bit, size_t from, size_t end)
{
    for (;;) {
        struct run run = page_map_next(bit, true, from, end);
        if (run.npages == 0)
            return run;
        run.npages = page_range_is_short(run.first, run.npages)
                         ? take_short(bit, run.first, run.npages)
                         : take_long(bit, run.first, run.npages);
        if (likely(run.npages != 0))
            return run;
        from = run.first;
    }
}

bool page_map_untouched(size_t first, size_t npages, bool soon)
{
    struct page_group *group = &g_page_groups[first / GROUP_PAGES];
    uint64_t any = 0;
    for (size_t i = 0; i < npages / GROUP_PAGES && any == 0; i++) {
        if (soon)
            any |= __atomic_fetch_add(&group[i].word[0], 0, __ATOMIC_RELAXED);
        for (int bit = 0; bit < PAGE_BITS; bit++)
            any |= __atomic_load_n(&group[i].word[bit], __ATOMIC_RELAXED);
    }
    return any == 0;
}
