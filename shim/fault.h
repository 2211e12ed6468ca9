/*
 * GUARD: a line about the first use of memory after it was unmapped, before SIGSEGV takes its course.
 */
#ifndef FAULT_H
#define FAULT_H

/*
 * Handles SIGSEGV as long as the program does not, and if nobody did before. The program's own handler
 * takes its place like any other, and is told of ours as of what was there.
 */
void fault_start(void);

#endif
