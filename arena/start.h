/*
 * Bringing the arena up, once for the process: knobs, budget, region, self-test, thread handlers.
 */
#ifndef START_H
#define START_H

#include "defs.h"

/*
 * True: the arena is up. False: it cannot be, now or later (no region, no memory, a kernel that
 * fails the self-test); every allocation then goes to the kernel. Later calls only repeat the answer.
 */
bool start_arena(void);

#endif
