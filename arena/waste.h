/*
 * Waste: what is resident of a superblock, and was never used.
 *
 * All of a huge page is resident; what was never touched reads as zero. So a superblock is looked into,
 * one page out of each unit of 64 KB, through the kernel (process_vm_readv): the program may have made
 * it inaccessible.
 */
#ifndef WASTE_H
#define WASTE_H

#include "defs.h"

/* In a superblock. */
#define WASTE_UNITS 32

/* How many pages of a superblock are resident; 0 if the kernel does not say. */
size_t waste_resident(size_t super);

/* That, and how many of its units are resident, but not used. False: too many threads look at once. */
bool waste_look(size_t super, size_t *nresident, unsigned *unused);

/* In the child of a fork: no other thread does. */
void waste_forget(void);

#endif
