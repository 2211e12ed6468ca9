/*
 * Makes a sequence that shows a difference as short and as simple as it gets.
 */
#ifndef SHRINK_H
#define SHRINK_H

#include "run.h"

/* In place; returns the new length. Keeps this difference. `seconds` bounds it. */
int shrink(const struct run_options *options, const struct difference *difference, struct op *ops,
           int nops, int seconds);

#endif
