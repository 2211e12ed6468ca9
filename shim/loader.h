/*
 * dlopen(3) and dlmopen(3), from which RTLD_DEEPBIND is taken while the malloc front is on.
 */
#ifndef LOADER_H
#define LOADER_H

/* Finds the next definitions. */
void loader_resolve(void);

/* From now on the flag is dropped. */
void loader_start(void);

#endif
