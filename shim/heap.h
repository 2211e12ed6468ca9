/*
 * The malloc front: large blocks from the arena, small ones from the next malloc in line.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>

/*
 * Starts taking blocks. False: the knobs say no, or another malloc comes before ours. The arena is up.
 */
bool heap_start(void);

#endif
