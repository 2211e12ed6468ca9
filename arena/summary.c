#include "summary.h"

#include <string.h>

#include "os.h"
#include "page_map.h"

#define FANOUT_SHIFT 3
#define FANOUT ((size_t)1 << FANOUT_SHIFT)
#define LEVELS_MAX 8

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
    return GROUP_ORDER + level * FANOUT_SHIFT;
}

bool summary_init(size_t npages)
{
    size_t total = 0;
    size_t count = align_up(npages, GROUP_PAGES) / GROUP_PAGES;
    nlevels = 0;
    do {
        nnodes[nlevels] = align_up(count, FANOUT);
        total += nnodes[nlevels];
        count = nnodes[nlevels++] / FANOUT;
    } while (count > 1);
    struct node *nodes = os_map_table(total * sizeof *nodes);
    if (nodes == NULL)
        return false;
    /* The largest at the end, for summary_trim. */
    for (unsigned level = nlevels; level-- > 0; nodes += nnodes[level])
        levels[level] = nodes;
    /* What is read before it is written takes two faults. */
    levels[0][0] = levels[1][0] = (struct node){0};
    return true;
}

void summary_trim(size_t npages)
{
    size_t groups = align_up(npages, GROUP_PAGES) / GROUP_PAGES;
    char *end = (char *)(levels[0] + nnodes[0]);
    /* A level above is made of the first nodes of this one, all of them. */
    char *kept = (char *)(levels[0] + align_up(max_size(groups, FANOUT * FANOUT), FANOUT));
    kept = (char *)align_up((uintptr_t)kept, PAGE_BYTES);
    end = (char *)align_up((uintptr_t)end, PAGE_BYTES);
    if (kept < end)
        os_unmap(kept, (size_t)(end - kept));
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

/* Not of a full word. runs[i] has a bit for each run of 2^i pages: from the longest such on, by halves. */
static uint32_t longest_in_word(uint64_t word)
{
    uint64_t runs[WORD_ORDER + 1] = {word};
    unsigned i = 0;
    while (runs[i] != 0) {
        runs[i + 1] = runs[i] & runs[i] >> (1u << i);
        i++;
    }
    if (i == 0)
        return 0;
    uint32_t longest = 1u << --i;
    for (word = runs[i]; i-- != 0;) {
        uint64_t longer = word & runs[i] >> longest;
        longest += longer != 0 ? 1u << i : 0;
        word = longer != 0 ? longer : word;
    }
    return longest;
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

static struct node read_group(size_t group)
{
    uint64_t word = page_word_read(PAGE_FREE, group * GROUP_PAGES);
    if (word == 0)
        return (struct node){0};
    if (word == ~(uint64_t)0)
        return (struct node){GROUP_PAGES, GROUP_PAGES, GROUP_PAGES, WORD_ORDER + 1};
    return (struct node){(uint32_t)__builtin_ctzl(~word), longest_in_word(word),
                         (uint32_t)__builtin_clzl(~word), word_order(word)};
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
    bool changed = memcmp(old, &new, sizeof new) != 0;
    *old = new;
    return changed;
}

void summary_update(size_t first, size_t npages)
{
    size_t low = first >> GROUP_ORDER;
    size_t high = (first + npages - 1) >> GROUP_ORDER;
    bool changed = false;
    for (size_t group = low; group <= high; group++)
        changed |= replace(&levels[0][group], read_group(group));
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
    return levels[1][super].start == SUPER_PAGES;
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
        if (level == 0) {
            size_t page = (first_child + i) * GROUP_PAGES;
            uint64_t fits = runs_in_word(page_word_read(PAGE_FREE, page), npages);
            return page + (size_t)__builtin_ctzl(fits);
        }
        first_child = (first_child + i) << FANOUT_SHIFT;
    }
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
        if (level == 0) {
            size_t page = (first_child + i) * GROUP_PAGES;
            uint64_t fits = aligned_in_word(page_word_read(PAGE_FREE, page), order);
            return page + (size_t)__builtin_ctzl(fits);
        }
        first_child = (first_child + i) << FANOUT_SHIFT;
    }
}
