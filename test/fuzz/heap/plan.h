/*
 * Configurations, and sequences of steps made from choices.
 */
#ifndef PLAN_H
#define PLAN_H

#include "choices.h"
#include "step.h"

struct plan {
    const char *name;
    size_t borders[2]; /* sizes to keep near to; 0: any power of two */
    int nthreads;
    int forks;             /* in 100 000 steps */
    bool lone;             /* in every other round all steps are one thread's */
    size_t retained;       /* what may stay when all is freed; 0: anything */
    bool plain;            /* no preload */
    const char *knobs[10]; /* of the arena; ends with NULL */
};

extern const struct plan g_plans[];

/* NULL: there is none of that name. */
const struct plan *plan_find(const char *name);

void plan_make(struct choices *choices, const struct plan *plan, struct step *steps, int nsteps);

#endif
