/*
 * A thread that looks at the clock for a program that makes no calls (BACKGROUND=1).
 *
 * It takes no signals, owns no arena, and ends with the process. The child of a fork has one of its
 * own from its first call on. Where it cannot be made there is none.
 */
#ifndef BACKGROUND_H
#define BACKGROUND_H

/* Makes the thread if the knob says so. */
void background_start(void);

#endif
