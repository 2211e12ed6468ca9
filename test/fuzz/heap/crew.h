/*
 * The process under test: does the steps of g_common, round by round. In a round each thread does its
 * own steps on slots of its own; then all blocks are compared, and handed on.
 */
#ifndef CREW_H
#define CREW_H

/* Ends the process: with status 0 if nothing was wrong. */
void crew_run(void) __attribute__((noreturn));

#endif
