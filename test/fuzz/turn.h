/*
 * Whose turn it is, between processes.
 */
#ifndef TURN_H
#define TURN_H

#include "shared.h"

void turn_give(enum turn to);
void turn_await(enum turn mine);

/* False: it took more than that many milliseconds. */
bool turn_await_for(enum turn mine, long milliseconds);

#endif
