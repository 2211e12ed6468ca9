/*
 * Mapping and unmapping for the calls that imply it.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include "space.h"

static inline size_t length_of(struct range range)
{
    return range.end - range.start;
}

/* Plain memory, as mmap(2) without a hint maps it; MAP_FAILED with errno. */
void *mapping_map(size_t nbytes);

/* A page-aligned range that overlaps the region. Returns -1 with errno as munmap(2) does. */
int mapping_unmap(struct range range);

#endif
