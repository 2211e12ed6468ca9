/*
 * Differences and sequences, for people and for the compiler.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdio.h>

#include "shared.h"

void print_difference(FILE *to, const struct difference *difference, const struct op *ops);

/*
 * As a C program that says what each call gave: its output under the shim and without can be
 * compared. Each operation also stands in it as data, for print_read.
 */
void print_program(FILE *to, const struct op *ops, int nops, const char *title);

/* The operations of a program that print_program has written. Returns how many. */
int print_read(FILE *from, struct op *ops, int most);

#endif
