/*
 * What each page of the region is: one bit per page and property.
 *
 * The words of 64 pages stand together in two cache lines, and what a plain page needs in the first,
 * so that a span is described by as few lines as can be, and threads that work in different groups
 * never write the same one:
 *
 *     group g:  | free | live | cached | deferred | dirty | odd | claimed | reserved |   64 bytes
 *               | lost | torn | protected | no fork | advised | sealed | lent | held |    64 bytes
 *                 bit i of each word: page 64 * g + i
 *
 * The state of a page is one of
 *     free      in the region, may be handed out          (changed under the region's lock)
 *     live      owned by the program
 *     cached    listed in a hot or warm cache
 *     deferred  unmapped where no lock could be had; the region takes it back later
 *     lost      out of circulation for good
 *     none      in flight: it belongs to the thread that cleared the state bit, until that sets
 *               another; or it was never used
 * and besides it may be
 *     dirty     not known to read as zero; of a live page: when it was handed out
 *     odd       not plain, as one or more of torn to lent say (odd.h)
 *     claimed   being mapped over by the program (MAP_FIXED), was not live before
 *     held      live, and taken by a claim that may put it back
 *     reserved  live, inaccessible since it was handed out, and reads as zero: dirty tells whether it is resident
 *
 * A state bit is cleared with one atomic operation, and whoever finds it set owns the page. So two
 * threads can race for a page, and a list may name a page that has long gone elsewhere: exactly
 * one of them gets it.
 */
#ifndef PAGE_MAP_H
#define PAGE_MAP_H

#include "defs.h"

enum page_bit {
    PAGE_FREE,
    PAGE_LIVE,
    PAGE_CACHED,
    PAGE_DEFERRED,
    PAGE_DIRTY,
    PAGE_ODD,
    PAGE_CLAIMED,
    PAGE_RESERVED,
    PAGE_LOST,
    PAGE_TORN,
    PAGE_PROTECTED,
    PAGE_NO_FORK,
    PAGE_ADVISED,
    PAGE_SEALED,
    PAGE_LENT,
    PAGE_HELD,
    PAGE_BITS
};

struct page_group {
    uint64_t word[16];
} __attribute__((aligned(128)));

_Static_assert(PAGE_BITS <= 16 && sizeof(struct page_group) == 128, "two cache lines");

extern struct page_group *g_page_groups;

/* Makes a map of npages pages, with all bits clear. False: no memory. Called once. */
bool page_map_init(size_t npages);

/* Forgets the pages from npages on, for good. */
void page_map_trim(size_t npages);

/* The first run in [from, end) of pages in flight; npages is 0 if there is none. */
struct run page_map_next_in_flight(size_t from, size_t end);

/*
 * True if no bit of any kind was ever set in the whole groups [first, first + npages). `soon`: one will be,
 * so that they are written now: to read them first would be another fault of the map's pages.
 */
bool page_map_untouched(size_t first, size_t npages, bool soon);

static inline uint64_t page_mask(size_t first, size_t npages)
{
    return (~(uint64_t)0 >> (GROUP_PAGES - npages) % GROUP_PAGES) << (first % GROUP_PAGES);
}

static inline uint64_t *page_word(enum page_bit bit, size_t page)
{
    return &g_page_groups[page / GROUP_PAGES].word[bit];
}

static inline uint64_t page_word_read(enum page_bit bit, size_t page)
{
    return __atomic_load_n(page_word(bit, page), __ATOMIC_RELAXED);
}

/* Sets bits of one group, with no write where they are set already. */
static inline void page_word_set(enum page_bit bit, size_t page, uint64_t mask)
{
    if ((page_word_read(bit, page) & mask) != mask)
        __atomic_fetch_or(page_word(bit, page), mask, __ATOMIC_RELEASE);
}

/* Takes bits of one group: returns those of `mask` that were set, and that the caller owns now. */
static inline uint64_t page_word_take(enum page_bit bit, size_t page, uint64_t mask)
{
    if ((page_word_read(bit, page) & mask) == 0)
        return 0;
    return __atomic_fetch_and(page_word(bit, page), ~mask, __ATOMIC_ACQ_REL) & mask;
}

/* The lowest run of bits that are set; npages is 0 if none is. */
static inline struct run page_word_run(uint64_t word)
{
    if (word == 0)
        return (struct run){0, 0};
    size_t low = (size_t)__builtin_ctzl(word);
    uint64_t rest = ~(word >> low);
    return (struct run){low, rest != 0 ? (size_t)__builtin_ctzl(rest) : GROUP_PAGES};
}

/*
 * One step of a walk over [*from, end), group by group: the page to start at, and the mask of the
 * pages of its group that belong to the range. Advances *from to the next group.
 */
static inline size_t page_step(size_t *from, size_t end, uint64_t *mask)
{
    size_t page = *from;
    *from = min_size(align_down(page, GROUP_PAGES) + GROUP_PAGES, end);
    *mask = page_mask(page, *from - page);
    return page;
}

/* Whether a range is of one group, as most are; not if it is empty. */
static inline bool page_range_is_short(size_t first, size_t npages)
{
    return likely(npages - 1 < GROUP_PAGES - first % GROUP_PAGES);
}

/*
 * Ranges of any length. All atomic word by word, none as a whole. What is named _long is for those
 * that are not short, and is called by the others only.
 */
void page_map_set_long(enum page_bit bit, size_t first, size_t npages);
static inline void page_map_set(enum page_bit bit, size_t first, size_t npages)
{
    if (page_range_is_short(first, npages))
        page_word_set(bit, first, page_mask(first, npages));
    else
        page_map_set_long(bit, first, npages);
}

void page_map_clear_long(enum page_bit bit, size_t first, size_t npages);
static inline void page_map_clear(enum page_bit bit, size_t first, size_t npages)
{
    if (page_range_is_short(first, npages))
        page_word_take(bit, first, page_mask(first, npages));
    else
        page_map_clear_long(bit, first, npages);
}

bool page_map_any_long(enum page_bit bit, size_t first, size_t npages);
static inline bool page_map_any(enum page_bit bit, size_t first, size_t npages)
{
    return page_range_is_short(first, npages)
               ? (page_word_read(bit, first) & page_mask(first, npages)) != 0
               : page_map_any_long(bit, first, npages);
}

size_t page_map_count_long(enum page_bit bit, size_t first, size_t npages);
static inline size_t page_map_count(enum page_bit bit, size_t first, size_t npages)
{
    return page_range_is_short(first, npages)
               ? bits_set(page_word_read(bit, first) & page_mask(first, npages))
               : page_map_count_long(bit, first, npages);
}

/* The first run in [from, end) whose bit is `value`; if there is none, npages is 0 and first is end. */
struct run page_map_next_long(enum page_bit bit, bool value, size_t from, size_t end);
static inline struct run page_map_next(enum page_bit bit, bool value, size_t from, size_t end)
{
    if (!page_range_is_short(from, end - from))
        return page_map_next_long(bit, value, from, end);
    uint64_t word = page_word_read(bit, from) ^ ((uint64_t)value - 1);
    struct run run = page_word_run(word & page_mask(from, end - from));
    run.first = run.npages != 0 ? align_down(from, GROUP_PAGES) + run.first : end;
    return run;
}

/*
 * Takes the first run in [from, end) whose bit is set: clears the bits, and the caller owns the
 * pages. If there is none, npages is 0 and first is end. Callers go on behind the run until then.
 */
struct run page_map_take_next(enum page_bit bit, size_t from, size_t end);

#endif
