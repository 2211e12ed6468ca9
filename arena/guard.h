/*
 * GUARD: who unmapped what, and when, for a line about whoever uses it afterwards.
 *
 * Kept are the last GUARD_EVENTS times that pages were unmapped, in a ring that any thread writes
 * without a lock. What a report says of pages that were unmapped at the very moment may be missing.
 */
#ifndef GUARD_H
#define GUARD_H

#include "defs.h"

#define GUARD_EVENTS 65536

/* Makes the ring, if GUARD is on. Without memory for it reports say less. */
void guard_init(void);

/* The calling thread has unmapped these pages. */
void guard_note(size_t first, size_t npages);

/*
 * One line on stderr if the address is in the region and the program has it not mapped. May be called
 * in a signal handler.
 */
void guard_report(uintptr_t addr);

#endif
