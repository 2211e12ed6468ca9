/*
 * Reading and writing pages that may fault. One thread at a time may be touching in each process,
 * but for the threads of a run, which have a place to return to each.
 */
#ifndef TOUCH_H
#define TOUCH_H

#include "op.h"

/* Catches SIGSEGV and SIGBUS from here on. */
void touch_init(void);

/* What a page holds: SUM_FAULTS, or a sum of it. */
uint64_t touch_sum(uintptr_t page);
uint64_t touch_sum_of_zeros(void);

/* False: it faulted. */
bool touch_write(uintptr_t page, enum write_style style, uint64_t seed);

#endif
