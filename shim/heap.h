/*
 * The malloc front: large blocks from the arena, small ones from the next malloc in line.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>

/*
 * Starts taking blocks. False: the knob says no, or the program brings a malloc of its own. The arena is up.
 */
bool heap_start(void);

/* Takes no more blocks: they are all glibc's from now on, which is left as it would be by itself. */
void heap_stop(void);

#endif
