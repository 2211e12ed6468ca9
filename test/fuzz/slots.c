#include "slots.h"

/* Address space where only the region and what is asked for by address can lie. */
#define LOW_START ((uintptr_t)0x200000000000)
#define LOW_END ((uintptr_t)0x4e0000000000)
#define EMPTY_START ((uintptr_t)0x480000000000)
#define EMPTY_STEP ((uintptr_t)1 << 30)
#define RANDOM_START ((uintptr_t)0x490000000000)

struct slot g_slots[NSLOTS];

void slots_init(void)
{
    for (int i = 0; i < NSLOTS; i++)
        g_slots[i] = (struct slot){EMPTY_START + (uintptr_t)i * EMPTY_STEP, SLOT_PAGES, true};
}

bool slots_is_high(int slot)
{
    uintptr_t base = g_slots[slot % NSLOTS].base;
    return base < LOW_START || base >= LOW_END;
}

static long clip(long value, long low, long high)
{
    return value < low ? low : value > high ? high : value;
}

struct where slots_resolve(int slot, long off, long n, bool inside)
{
    const struct slot *of = &g_slots[slot % NSLOTS];
    long size = (long)of->npages;
    if (inside || slots_is_high(slot)) {
        off = clip(off, 0, size > 0 ? size - 1 : 0);
        n = clip(n, 0, size - off);
    } else {
        off = clip(off, -4096, size + 4096);
        n = clip(n, 0, 1 << 16);
    }
    uintptr_t from = of->base + (uintptr_t)off * PAGE;
    return (struct where){from, (size_t)n * PAGE, from, from + (uintptr_t)n * PAGE};
}

struct where slots_of(const struct op *op, bool inside)
{
    struct where where = slots_resolve(op->slot, op->off, op->n, inside);
    if (where.nbytes > op->trim)
        where.nbytes -= op->trim;
    where.start += op->skew;
    /* Some calls round the end up: it is to stay where it was. */
    if (where.to > where.start && where.start + where.nbytes > where.to)
        where.nbytes = where.to - where.start;
    return where;
}

uintptr_t slots_hint(const struct op *op)
{
    if (op->other == HINT_NONE)
        return 0;
    if (op->other == HINT_RANDOM)
        return RANDOM_START + op->seed % (1 << 20) * (PAGE * 1024) + op->skew;
    return slots_resolve(op->other, op->other_off, 0, false).from + op->skew;
}
