/*
 * The whole state of a process as /proc and its own eyes show it: what the plain one has, and
 * whether the shimmed one has the same. Where a page was never touched in either, it is not read, so
 * that looking changes nothing.
 */
#ifndef VIEW_H
#define VIEW_H

#include "shared.h"

/* Notes what is mapped now: that is the driver's own. */
void view_init(void);

/* Whether something of the driver's own lies in the range. */
bool view_is_own(uintptr_t start, uintptr_t end);

/* How many mappings the kernel has in the range; 0 also where it has a hole. */
int view_mappings(uintptr_t start, uintptr_t end);

/* The plain process: writes its view down. */
void view_publish(bool full);

/*
 * The shimmed process: compares. False: there is a difference, noted in g_shared. `unmapped`: may
 * be given slots' ranges, in which pages that are not in the view must be out of reach.
 */
bool view_verify(const struct interval *slots, int nslots);

#endif
