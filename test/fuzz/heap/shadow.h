/*
 * What the process under test must find in its memory: where each live block is and what is in it.
 *
 * The contents follow from a tag and the offset, so that what lies at an offset can be compared
 * after a move. Whatever is wrong is said (fault.h) and ends the process.
 *
 * A slot belongs to one thread at a time; the order of the blocks by address has a lock. None of this
 * allocates.
 */
#ifndef SHADOW_H
#define SHADOW_H

#include "step.h"

enum origin { ORIGIN_NONE, ORIGIN_HEAP, ORIGIN_MAPPING };

struct block {
    uintptr_t addr;
    size_t size;   /* as asked for; a mapping's in whole pages */
    size_t extent; /* as granted */
    size_t filled; /* contents reach to here: size or extent */
    uint64_t tag;
    enum origin origin;
    enum style style;
};

extern struct block g_blocks[NSLOTS];

/* The block takes part in the order: it must not touch another. */
void shadow_enter(int slot, int step);
void shadow_leave(int slot);

/* Writes contents, as the step says. */
void shadow_fill(int slot, const struct step *step);

/* Compares them. */
void shadow_check(int slot, int step);

/* The first kept bytes of what was at `was` must be at addr now. */
void shadow_check_moved(int slot, int step, const struct block *was, uintptr_t addr, size_t kept);

/* [from, to) of the block reads as zero; all of it, or the places that the style has. */
void shadow_check_zero(int slot, int step, size_t from, size_t to, enum style style);

/* Around fork, so that the child has the order whole. */
void shadow_lock(void);
void shadow_unlock(void);

#endif
