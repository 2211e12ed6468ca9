/*
 * Several threads at once, under the shim. Each has slots of its own between two looks, which pass to
 * its neighbour at the next; such a slot is just what its thread has mapped, without a hole, so that
 * what another maps in the meantime is nowhere near. The plain process does all of it alone, in an
 * order that the stamps allow: memory is given back when the call begins, and had when it ends.
 */
#ifndef TEAM_H
#define TEAM_H

#include "shared.h"

/* Starts the threads, and lets each use the shim once. The plain side has none. */
void team_start(enum side side);

/* Does the operations [from, to). The plain side: `compare` is called for each. */
void team_run(int from, int to,
              void (*compare)(int op, const struct outcome *shim, const struct outcome *kernel));

#endif
