/*
 * Does steps, and holds what the calls give against what they must give.
 */
#ifndef PERFORM_H
#define PERFORM_H

/* Not STEP_FORK. */
void perform(int step);

#endif
