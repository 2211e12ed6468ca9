/*
 * Runs one sequence of steps in a new process.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "fault.h"
#include "plan.h"

struct attempt {
    const char *shim; /* the library to preload */
    const struct plan *plan;
};

/* Sets up what the processes share. */
void attempt_init(void);

/* In a process that was started as a worker: does its work. */
void attempt_work(const char *fd) __attribute__((noreturn));

/* The first fault; its kind is FAULT_NONE if there is none. */
struct fault attempt_run(const struct attempt *attempt, const struct step *steps, int nsteps);

#endif
