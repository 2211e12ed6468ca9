/*
 * What the command lines of the fuzzers have in common. Whatever is wrong with one ends the program.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdio.h>

/* Seconds of the steady clock. */
double command_now(void);

long command_number(const char *text);
FILE *command_open(const char *path, const char *mode);

/* The absolute path of the library to preload; NULL: that of the build which this program is of. */
const char *command_shim(const char *path);

#endif
