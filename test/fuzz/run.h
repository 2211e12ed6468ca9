/*
 * Runs one sequence in both ways, in new processes.
 */
#ifndef RUN_H
#define RUN_H

#include "generate.h"
#include "shared.h"

struct run_options {
    const char *shim; /* the library to preload */
    const struct flavour *flavour;
    int check_every;
};

/* Sets up what the processes share. */
void run_init(void);

/* In a process that was started as a worker: does its work, and never returns. */
void run_as_worker(const char *side, const char *fd) __attribute__((noreturn));

/* The first difference of a sequence; its kind is DIFFERENCE_NONE if there is none. */
struct difference run(const struct run_options *options, const struct op *ops, int nops);

#endif
