/*
 * Decay: memory that is retained and was of no use for DECAY_MS goes back to the kernel.
 *
 * Time goes in periods of nearly half of that. Whatever retains something (the region, the stacks of an
 * arena, its chunks) knows the least that it had in a period: that much was not needed, and goes at
 * the end. So all is back between one and two periods after its last use.
 *
 * There is no timer: calls look at the clock on their slow paths, and every so often on the others.
 * What a thread has that makes no call for a whole period is taken from it, but for its chunks.
 */
#ifndef DECAY_H
#define DECAY_H

#include "page_arena.h"

/* Looks at the clock. Nothing of the arena, which may be NULL, is in the midst of a change. */
void decay_check(PageArena *arena);

/* The time between two looks that miss nothing, in ms; whether there is more to do before. */
size_t decay_interval_ms(void);
bool decay_is_due(void);

/* The same, every so many calls. */
#define DECAY_CALLS 16
static inline void decay_count(PageArena *arena)
{
    if (__builtin_expect(++arena->calls % DECAY_CALLS == 0, 0))
        decay_check(arena);
}

#endif
