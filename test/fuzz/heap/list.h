/*
 * Faults and lists of steps, to be read by people and by the fuzzer again.
 */
#ifndef LIST_H
#define LIST_H

#include <stdio.h>

#include "fault.h"

void list_print_fault(FILE *to, const struct fault *fault, const struct step *steps);

/* Each step as the call that it makes, with all its fields behind; title: how to run it again. */
void list_print(FILE *to, const struct step *steps, int nsteps, const char *title);

/* How many steps there were. */
int list_read(FILE *from, struct step *steps, int most);

#endif
