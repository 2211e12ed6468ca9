#include "shadow.h"

#include <pthread.h>
#include <string.h>

#include "fault.h"

#define NSAMPLES 4
#define EDGE ((size_t)16)

struct block g_blocks[NSLOTS];

/* Live blocks by address: where each starts, and its slot. */
static uintptr_t starts[NSLOTS];
static uint16_t slots[NSLOTS];
static int nstarts;
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

void shadow_lock(void)
{
    pthread_mutex_lock(&order_lock);
}

void shadow_unlock(void)
{
    pthread_mutex_unlock(&order_lock);
}

/* Of the first block that starts above addr. */
static int rank_above(uintptr_t addr)
{
    int low = 0, high = nstarts;
    while (low < high) {
        int middle = (low + high) / 2;
        if (starts[middle] <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A block of no bytes still is a place of its own. */
static uintptr_t end_of(const struct block *block)
{
    return block->addr + (block->extent != 0 ? block->extent : 1);
}

static void __attribute__((noreturn, noinline, cold)) overlap(int slot, int step, int by)
{
    shadow_unlock();
    fault_say(&(struct fault){.kind = FAULT_OVERLAP,
                              .step = step,
                              .slot = slot,
                              .by = by,
                              .addr = g_blocks[slot].addr,
                              .size = g_blocks[slot].size,
                              .expected = g_blocks[by].addr,
                              .found = g_blocks[by].extent});
}

void shadow_enter(int slot, int step)
{
    const struct block *block = &g_blocks[slot];
    shadow_lock();
    int at = rank_above(block->addr);
    if (at > 0 && end_of(&g_blocks[slots[at - 1]]) > block->addr)
        overlap(slot, step, slots[at - 1]);
    if (at < nstarts && starts[at] < end_of(block))
        overlap(slot, step, slots[at]);
    memmove(&starts[at + 1], &starts[at], (size_t)(nstarts - at) * sizeof starts[0]);
    memmove(&slots[at + 1], &slots[at], (size_t)(nstarts - at) * sizeof slots[0]);
    starts[at] = block->addr;
    slots[at] = (uint16_t)slot;
    nstarts++;
    shadow_unlock();
}

void shadow_leave(int slot)
{
    shadow_lock();
    int at = rank_above(g_blocks[slot].addr) - 1;
    nstarts--;
    memmove(&starts[at], &starts[at + 1], (size_t)(nstarts - at) * sizeof starts[0]);
    memmove(&slots[at], &slots[at + 1], (size_t)(nstarts - at) * sizeof slots[0]);
    shadow_unlock();
}

/* What a walk over the contents does with one stretch of them. */
struct visit {
    int slot;
    int step;
    enum fault_kind fault;
    uintptr_t addr; /* of the block */
    size_t size;
    uint64_t tag;
    bool write;
    bool zero; /* compare with zero, not with the tag */
};

static uint64_t word_at(const struct visit *visit, size_t offset)
{
    return visit->zero ? 0 : (visit->tag + offset) * 0x9e3779b97f4a7c15u;
}

static void __attribute__((noreturn, noinline, cold))
wrong(const struct visit *visit, size_t offset, size_t nbytes)
{
    uint64_t expected = word_at(visit, offset), found = 0;
    memcpy(&found, (char *)visit->addr + offset, nbytes);
    for (unsigned i = 0; i < 8 * nbytes && ((expected ^ found) >> i & 0xff) == 0; i += 8)
        offset++;
    fault_say(&(struct fault){.kind = visit->fault,
                              .step = visit->step,
                              .slot = visit->slot,
                              .addr = visit->addr,
                              .size = visit->size,
                              .offset = offset,
                              .expected = expected,
                              .found = found});
}

/* [from, to), where from is a multiple of 8. */
static void stretch(const struct visit *visit, size_t from, size_t to)
{
    size_t offset = from;
    if (visit->write) {
        for (; offset + 8 <= to; offset += 8)
            *(uint64_t *)(visit->addr + offset) = word_at(visit, offset);
        uint64_t last = word_at(visit, offset);
        if (offset < to)
            memcpy((char *)visit->addr + offset, &last, to - offset);
        return;
    }
    /* In strides without a branch for each word. */
    for (; offset + 64 <= to; offset += 64) {
        const uint64_t *at = (const uint64_t *)(visit->addr + offset);
        uint64_t differ = 0;
        for (size_t i = 0; i < 8; i++)
            differ |= at[i] ^ word_at(visit, offset + 8 * i);
        if (differ != 0)
            break;
    }
    for (; offset + 8 <= to; offset += 8)
        if (*(const uint64_t *)(visit->addr + offset) != word_at(visit, offset))
            wrong(visit, offset, 8);
    uint64_t last = word_at(visit, offset);
    if (offset < to && memcmp((char *)visit->addr + offset, &last, to - offset) != 0)
        wrong(visit, offset, to - offset);
}

/* The part of [start, start + EDGE) that lies in [from, to). */
static void place(const struct visit *visit, size_t start, size_t from, size_t to)
{
    size_t end = start + EDGE < to ? start + EDGE : to;
    if (start < from)
        start = from;
    if (start < end)
        stretch(visit, start, end);
}

/*
 * The places in [from, to), where from is a multiple of 8, of a block of so many bytes that has that
 * style. They follow from size, style and tag alone, so that a part of them is found again in a part.
 */
static void walk(const struct visit *visit, size_t size, enum style style, size_t from, size_t to)
{
    if (size == 0)
        return;
    if (style == STYLE_WHOLE) {
        stretch(visit, from, to);
        return;
    }
    place(visit, 0, from, to);
    for (unsigned i = 0; i < NSAMPLES && style == STYLE_SAMPLES; i++)
        place(visit, (visit->tag >> (8 * i)) * 0x9e3779b97f4a7c15u % size & ~(size_t)7, from, to);
    for (size_t page = from & ~(PAGE - 1); page < to && style == STYLE_PAGES; page += PAGE)
        place(visit, page, from, to);
    place(visit, size > EDGE ? (size - EDGE) & ~(size_t)7 : 0, from, to);
    if (size > EDGE)
        place(visit, (size - 1) & ~(size_t)7, from, to);
}

void shadow_fill(int slot, const struct step *step)
{
    struct block *block = &g_blocks[slot];
    block->filled = step->usable ? block->extent : block->size;
    block->tag = step->tag;
    block->style = (enum style)step->style;
    struct visit visit = {.addr = block->addr, .tag = block->tag, .write = true};
    walk(&visit, block->filled, block->style, 0, block->filled);
}

void shadow_check_moved(int slot, int step, const struct block *was, uintptr_t addr, size_t kept)
{
    struct visit visit = {.slot = slot,
                          .step = step,
                          .fault = addr == was->addr ? FAULT_CONTENT : FAULT_MOVED,
                          .addr = addr,
                          .size = was->size,
                          .tag = was->tag};
    walk(&visit, was->filled, was->style, 0, kept < was->filled ? kept : was->filled);
}

void shadow_check(int slot, int step)
{
    const struct block *block = &g_blocks[slot];
    shadow_check_moved(slot, step, block, block->addr, block->filled);
}

void shadow_check_zero(int slot, int step, size_t from, size_t to, enum style style)
{
    const struct block *block = &g_blocks[slot];
    struct visit visit = {.slot = slot,
                          .step = step,
                          .fault = FAULT_ZERO,
                          .addr = block->addr,
                          .size = block->size,
                          .tag = g_common->steps[step].tag,
                          .zero = true};
    walk(&visit, to, style, from, to);
}
