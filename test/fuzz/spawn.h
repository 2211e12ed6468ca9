/*
 * Starts this program again, as a worker: under the shim, or without any preload.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <sys/types.h>

/*
 * shim NULL: no preload; knobs: the arena's, up to a NULL; arguments: those of main.
 * The child leads a process group of its own. Ends the program when there can be no child.
 */
pid_t spawn(const char *shim, const char *const *knobs, char *const *arguments);

#endif
