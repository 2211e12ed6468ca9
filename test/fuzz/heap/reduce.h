/*
 * Makes a sequence that shows a fault smaller.
 */
#ifndef REDUCE_H
#define REDUCE_H

#include "attempt.h"

/* Returns how many steps are left, after at most about so many seconds. */
int reduce(const struct attempt *attempt, const struct fault *fault, struct step *steps, int nsteps,
           int seconds);

#endif
