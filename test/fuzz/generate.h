/*
 * Sequences of operations, made from choices.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include "choices.h"
#include "op.h"

/* What a configuration makes likely. */
struct flavour {
    const char *name;
    int sizes;       /* 0: to 64 pages, 1: to 640, 2: to 8192 */
    int forks;       /* in 10 000 operations */
    int huge_advice; /* the same */
    bool threads;
    const char *environment[8]; /* of the shim; ends with NULL */
};

extern const struct flavour g_flavours[];

/* NULL: there is none of that name. */
const struct flavour *flavour_find(const char *name);

/* Fills ops; returns how many: nops, or fewer when there are no bytes left. */
int generate(struct choices *choices, const struct flavour *flavour, struct op *ops, int nops);

#endif
