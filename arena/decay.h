/*
 * Decay: memory that is retained and was of no use for DECAY_MS goes back to the kernel.
 *
 * Time goes in periods of nearly half of that. Whatever retains something (the region, the stacks of an
 * arena, its chunks) knows the least that it had in a period: that much was not needed, and goes at
 * the end. So all is back between one and two periods after its last use.
 *
 * There is no timer: a thread looks at the clock at the end of a call that took a slow path, and of
 * every so many others (thread.h). What a thread has that makes no call for a whole period is taken
 * from it, but for its chunks.
 */
#ifndef DECAY_H
#define DECAY_H

#include "page_arena.h"

/*
 * Looks at the clock. Nothing of the arena is in the midst of a change. NULL: for all others; then no
 * descriptor is taken.
 */
void decay_check(PageArena *arena);

/* That is to be done at the end of this call. */
static inline void decay_soon(PageArena *arena)
{
    __atomic_store_n(&arena->until_look, 1, __ATOMIC_RELAXED);
}

/* The time between two looks that miss nothing, in ms; whether there is more to do before. */
size_t decay_interval_ms(void);
bool decay_is_due(void);

#endif
