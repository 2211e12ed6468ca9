#include "summary.h"

#include "os.h"
#include "page_map.h"

#define FANOUT_SHIFT 3
#define FANOUT ((size_t)1 << FANOUT_SHIFT)
#define LEVELS_MAX 8
#define SUPER_SHIFT 9

/* order is one more than the logarithm of the largest aligned free power of two; 0: no free page. */
struct node {
    uint32_t start;
    uint32_t longest;
    uint32_t end;
    uint32_t order;
};

static struct node *levels[LEVELS_MAX];
static size_t nnodes[LEVELS_MAX];
static unsigned nlevels;

/* Levels 0 to top are kept: the eight nodes of the top one reach as far as there are free pages. */
static unsigned top;

static unsigned level_shift(unsigned level)
{
    return SUPER_SHIFT + level * FANOUT_SHIFT;
}

bool summary_init(size_t npages)
{
    size_t total = 0;
    size_t count = align_up(npages, SUPER_PAGES) / SUPER_PAGES;
    nlevels = 0;
    do {
        nnodes[nlevels] = align_up(count, FANOUT);
        total += nnodes[nlevels];
        count = nnodes[nlevels++] / FANOUT;
    } while (count > 1);
    struct node *nodes = os_map(total * sizeof *nodes);
    if (nodes == NULL)
        return false;
    for (unsigned level = 0; level < nlevels; level++) {
        levels[level] = nodes;
        nodes += nnodes[level];
    }
    return true;
}

/* Bit i is set where pages i to i + npages - 1 of the word are free; 1 <= npages <= 64. */
static uint64_t runs_in_word(uint64_t word, size_t npages)
{
    for (size_t have = 1; have < npages && word != 0;) {
        size_t shift = min_size(have, npages - have);
        word &= word >> shift;
        have += shift;
    }
    return word;
}

/* The multiples of 2^order among the bits of a word. */
static const uint64_t multiples[] = {
    ~(uint64_t)0,       0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
    0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
};
#define WORD_ORDER 6

/* Bit i is set where i is a multiple of 2^order and pages i to i + 2^order - 1 are free. */
static uint64_t aligned_in_word(uint64_t word, unsigned order)
{
    for (unsigned i = 1; i <= order; i++)
        word &= word >> (1u << (i - 1)) & multiples[i];
    return word;
}

static unsigned word_order(uint64_t word)
{
    unsigned order = 0;
    while (word != 0 && order++ < WORD_ORDER)
        word &= word >> (1u << (order - 1)) & multiples[order];
    return order;
}

/* The longest run of a word if that is longer than `least`; otherwise `least`. */
static size_t longest_in_word(uint64_t word, size_t least)
{
    for (word = runs_in_word(word, least + 1); word != 0; least++)
        word &= word >> 1;
    return least;
}

/* The order of eight equal parts, of which `full` tells which are wholly free. */
static unsigned full_order(unsigned full, unsigned part_order)
{
    if (full == 0xff)
        return part_order + 3;
    if ((full & 0x0f) == 0x0f || (full & 0xf0) == 0xf0)
        return part_order + 2;
    if ((full & full >> 1 & 0x55) != 0)
        return part_order + 1;
    return full != 0 ? part_order : 0;
}

static struct node read_superblock(size_t super)
{
    struct node node = {0};
    size_t run = 0;
    unsigned full = 0;
    bool broken = false;
    for (size_t i = 0; i < SUPER_GROUPS; i++) {
        uint64_t word = page_word_read(PAGE_FREE, super * SUPER_PAGES + i * GROUP_PAGES);
        if (word == ~(uint64_t)0) {
            run += GROUP_PAGES;
            full |= 1u << i;
            continue;
        }
        run += (size_t)__builtin_ctzl(~word);
        if (!broken)
            node.start = (uint32_t)run;
        broken = true;
        node.longest = (uint32_t)max_size(node.longest, run);
        size_t nfree = word == 0 ? 0 : bits_set(word);
        if (nfree > node.longest)
            node.longest = (uint32_t)longest_in_word(word, node.longest);
        if (nfree >> node.order != 0)
            node.order = (uint32_t)max_size(node.order, word_order(word));
        run = (size_t)__builtin_clzl(~word);
    }
    node.end = (uint32_t)run;
    node.longest = (uint32_t)max_size(node.longest, run);
    if (!broken)
        node.start = SUPER_PAGES;
    node.order = (uint32_t)max_size(node.order, full_order(full, WORD_ORDER + 1));
    return node;
}

static struct node join(const struct node *children, unsigned child_shift)
{
    struct node node = {0};
    uint32_t child_pages = 1u << child_shift;
    uint32_t run = 0;
    unsigned full = 0;
    bool broken = false;
    for (unsigned i = 0; i < FANOUT; i++) {
        const struct node *child = &children[i];
        node.order = child->order > node.order ? child->order : node.order;
        if (child->start == child_pages) {
            run += child_pages;
            full |= 1u << i;
            continue;
        }
        run += child->start;
        if (!broken)
            node.start = run;
        broken = true;
        node.longest = run > node.longest ? run : node.longest;
        node.longest = child->longest > node.longest ? child->longest : node.longest;
        run = child->end;
    }
    node.end = run;
    node.longest = run > node.longest ? run : node.longest;
    if (!broken)
        node.start = run;
    unsigned order = full_order(full, child_shift + 1);
    node.order = order > node.order ? order : node.order;
    return node;
}

/* Returns whether the node changed, that is, whether its parent must be looked at. */
static bool replace(struct node *old, struct node new)
{
    bool changed = old->start != new.start || old->longest != new.longest || old->end != new.end ||
                   old->order != new.order;
    *old = new;
    return changed;
}

void summary_update(size_t first, size_t npages)
{
    size_t low = first >> SUPER_SHIFT;
    size_t high = (first + npages - 1) >> SUPER_SHIFT;
    bool changed = false;
    for (size_t super = low; super <= high; super++)
        changed |= replace(&levels[0][super], read_superblock(super));
    for (unsigned level = 1; level <= top && changed; level++) {
        low >>= FANOUT_SHIFT;
        high >>= FANOUT_SHIFT;
        changed = false;
        for (size_t i = low; i <= high; i++)
            changed |= replace(&levels[level][i],
                               join(&levels[level - 1][i << FANOUT_SHIFT], level_shift(level - 1)));
    }
}

void summary_extend(size_t npages)
{
    while (top < nlevels - 1 && npages >> level_shift(top) >= FANOUT) {
        top++;
        for (size_t i = 0; i < FANOUT && i << FANOUT_SHIFT < nnodes[top - 1]; i++)
            levels[top][i] = join(&levels[top - 1][i << FANOUT_SHIFT], level_shift(top - 1));
    }
}

bool summary_is_free(size_t super)
{
    return levels[0][super].start == SUPER_PAGES;
}

/* The lowest run of npages in a superblock that is known to have one. */
static size_t find_in_superblock(size_t super, size_t npages)
{
    size_t run = 0;
    size_t page = super * SUPER_PAGES;
    for (size_t i = 0; i < SUPER_GROUPS; i++, page += GROUP_PAGES) {
        uint64_t word = page_word_read(PAGE_FREE, page);
        if (word == ~(uint64_t)0) {
            run += GROUP_PAGES;
            if (run >= npages)
                return page + GROUP_PAGES - run;
            continue;
        }
        if (run + (size_t)__builtin_ctzl(~word) >= npages)
            return page - run;
        uint64_t fits = npages <= GROUP_PAGES ? runs_in_word(word, npages) : 0;
        if (fits != 0)
            return page + (size_t)__builtin_ctzl(fits);
        run = (size_t)__builtin_clzl(~word);
    }
    return NO_PAGE;
}

size_t summary_find(size_t npages)
{
    unsigned level = top;
    size_t first_child = 0;
    for (;; level--) {
        const struct node *children = &levels[level][first_child];
        uint32_t child_pages = 1u << level_shift(level);
        size_t run = 0;
        size_t i;
        for (i = 0; i < FANOUT; i++) {
            const struct node *child = &children[i];
            if (run + child->start >= npages)
                return ((first_child + i) << level_shift(level)) - run;
            if (child->longest >= npages)
                break;
            run = child->start == child_pages ? run + child_pages : child->end;
        }
        if (i == FANOUT)
            return NO_PAGE;
        if (level == 0)
            return find_in_superblock(first_child + i, npages);
        first_child = (first_child + i) << FANOUT_SHIFT;
    }
}

static size_t find_aligned_in_superblock(size_t super, unsigned order)
{
    size_t page = super * SUPER_PAGES;
    for (size_t i = 0; i < SUPER_GROUPS; i++, page += GROUP_PAGES) {
        uint64_t fits = aligned_in_word(page_word_read(PAGE_FREE, page), order);
        if (fits != 0)
            return page + (size_t)__builtin_ctzl(fits);
    }
    return NO_PAGE;
}

/* The lowest aligned group of `count` wholly free nodes among eight. */
static size_t find_full(const struct node *nodes, uint32_t node_pages, size_t count)
{
    for (size_t i = 0; i < FANOUT; i += count) {
        size_t full = 0;
        while (full < count && nodes[i + full].start == node_pages)
            full++;
        if (full == count)
            return i;
    }
    return NO_PAGE;
}

static size_t find_aligned_words(size_t super, size_t count)
{
    size_t page = super * SUPER_PAGES;
    for (size_t i = 0; i < SUPER_GROUPS; i += count) {
        size_t full = 0;
        while (full < count &&
               page_word_read(PAGE_FREE, page + (i + full) * GROUP_PAGES) == ~(uint64_t)0)
            full++;
        if (full == count)
            return page + i * GROUP_PAGES;
    }
    return NO_PAGE;
}

size_t summary_find_aligned(unsigned order)
{
    unsigned level = top;
    size_t first_child = 0;
    for (;; level--) {
        const struct node *children = &levels[level][first_child];
        unsigned shift = level_shift(level);
        if (order > shift) {
            size_t i = find_full(children, 1u << shift, (size_t)1 << (order - shift));
            return i == NO_PAGE ? NO_PAGE : (first_child + i) << shift;
        }
        size_t i = 0;
        while (i < FANOUT && children[i].order <= order)
            i++;
        if (i == FANOUT)
            return NO_PAGE;
        if (level == 0)
            return order > WORD_ORDER
                       ? find_aligned_words(first_child + i, (size_t)1 << (order - WORD_ORDER))
                       : find_aligned_in_superblock(first_child + i, order);
        first_child = (first_child + i) << FANOUT_SHIFT;
    }
}
