/*
 * What a trace asks for, by size, and how long it is kept.
 */
#ifndef SIZES_H
#define SIZES_H

#include <stddef.h>
#include <stdint.h>

void sizes_note(size_t nbytes);
void sizes_note_free(size_t nbytes, uint64_t lived_ms);

/* `key value` lines: for each size requests, bytes, freed and lived_ms, and of all requests and bytes. */
void sizes_print(void);

#endif
