/*
 * A process that does the operations: one under the shim, one plain, in lockstep.
 */
#ifndef WORKER_H
#define WORKER_H

#include "shared.h"

void worker_start(enum side mine);

/* Does g_shared's operations, once. */
void worker_run(void);

/* As it was after worker_start. */
void worker_clear(void);

#endif
