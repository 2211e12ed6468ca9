/*
 * Sequences of operations, made from choices: a random generator's, or the bytes that a
 * coverage-guided fuzzer gives.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include "op.h"

struct choices {
    uint64_t state;
    const uint8_t *bytes; /* NULL: random */
    size_t left;
};

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
