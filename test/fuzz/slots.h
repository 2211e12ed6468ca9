/*
 * Slots: what operations mean by (slot, page).
 */
#ifndef SLOTS_H
#define SLOTS_H

#include "shared.h"

struct slot {
    uintptr_t base;
    size_t npages;
    bool overlaid; /* with MAP_FIXED: it may be several mappings */
};

extern struct slot g_slots[NSLOTS];

void slots_init(void);

/* Whether a slot lies where the kernel has put it. */
bool slots_is_high(int slot);

/* The bytes [start, start + nbytes) that an operation is about, and the pages they lie on. */
struct where {
    uintptr_t start;
    size_t nbytes;
    uintptr_t from;
    uintptr_t to;
};

/*
 * Resolves (slot, off, n). `inside`: is not to leave the slot. Others may leave it as well only
 * where nothing but slots can lie.
 */
struct where slots_resolve(int slot, long off, long n, bool inside);

/* The same for the operation's slot, with what it says of bytes. */
struct where slots_of(const struct op *op, bool inside);

/* The address that a mmap hints at. */
uintptr_t slots_hint(const struct op *op);

#endif
