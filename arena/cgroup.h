/*
 * How much memory the control group of the process leaves it (cgroups(7), either version).
 *
 * Only the group itself is looked at, not those above it. What the kernel would drop by itself, file
 * pages that are not in use, counts as left.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include "defs.h"

struct cgroup_memory {
    size_t limit; /* bytes; SIZE_MAX: none, or unknown */
    size_t left;  /* of the limit */
};

/* Reads it: three files. One thread at a time; another is told that there is no limit. */
struct cgroup_memory cgroup_memory(void);

#endif
