/*
 * The plain process's mmap and mremap: at the address where the shimmed process has its own.
 */
#ifndef MIRROR_H
#define MIRROR_H

#include "shared.h"

/* errno before each call. */
#define UNTOUCHED 7777

/* The calls themselves, by function or by number (act.c). */
long act_map(const struct op *op, uintptr_t addr, size_t nbytes, int flags);
long act_unmap(const struct op *op, uintptr_t addr, size_t nbytes);
long act_remap(const struct op *op, uintptr_t addr, size_t from, size_t to, int flags,
               uintptr_t wanted);

/* As the calls, with errno. Where the kernel may answer either way: as the shim did. */
long mirror_map(const struct op *op, uintptr_t hint, size_t nbytes, int64_t there);
long mirror_remap(const struct op *op, uintptr_t addr, size_t from, size_t to, uintptr_t wanted,
                  const struct outcome *there);

#endif
