/*
 * Which pages are live, as far as successful calls tell: what may be touched. After a call that may
 * have done half of its work, it is set anew from the plain process's view.
 */
#ifndef LIVE_H
#define LIVE_H

#include "shared.h"

void live_add(uintptr_t start, uintptr_t end);
void live_remove(uintptr_t start, uintptr_t end);
bool live_has(uintptr_t page);
void live_set(const struct interval *view, int count);

#endif
