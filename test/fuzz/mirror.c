#include "mirror.h"

#include <errno.h>
#include <sys/mman.h>

#include "sys.h"
#include "view.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void note_overlap(uintptr_t addr, size_t nbytes)
{
    struct difference *difference = &g_shared->difference;
    difference->kind = DIFFERENCE_OVERLAP;
    difference->addr = addr;
    difference->clash = view_is_own(addr, addr + nbytes);
}

static void unmap(uintptr_t addr, size_t nbytes)
{
    sys(SYS_munmap, (long)addr, (long)nbytes, 0, 0, 0, 0);
}

long mirror_map(const struct op *op, uintptr_t hint, size_t nbytes, int64_t there)
{
    if (there == -1) {
        long got = act_map(op, hint, nbytes, op->flags);
        if (got != -1)
            unmap((uintptr_t)got, nbytes);
        return got;
    }
    long got = act_map(op, (uintptr_t)there, nbytes, op->flags | MAP_FIXED_NOREPLACE);
    if (got == -1 && errno == EEXIST)
        note_overlap((uintptr_t)there, nbytes);
    return got;
}

/* False: something is there, which is noted. */
static bool is_vacant(uintptr_t addr, size_t nbytes)
{
    long got = sys(SYS_mmap, (long)addr, (long)nbytes, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == -EEXIST) {
        note_overlap(addr, nbytes);
        return false;
    }
    if (!SYS_FAILED(got))
        unmap((uintptr_t)got, nbytes);
    return true;
}

/*
 * Where the program sees several mappings, the kernel may see one, or the other way round: what it
 * has merged is its own affair. mremap of such a range may be refused (EFAULT), or done.
 */
static bool is_in_parts(uintptr_t addr, size_t nbytes)
{
    return view_mappings(addr, addr + ((nbytes + PAGE - 1) & -PAGE)) > 1;
}

/* Moves a range of several mappings. */
static long move_parts(const struct op *op, uintptr_t addr, size_t from, size_t to,
                       uintptr_t wanted)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (op->flags & MREMAP_DONTUNMAP);
    long last = -1;
    from = (from + PAGE - 1) & -PAGE;
    to = (to + PAGE - 1) & -PAGE;
    for (size_t at = 0; at < from && at < to;) {
        size_t size = PAGE;
        while (at + size < from && at + size < to &&
               view_mappings(addr + at, addr + at + size + PAGE) == 1)
            size += PAGE;
        bool is_last = at + size >= from;
        size_t new_size = is_last ? to - at : size;
        last = act_remap(op, addr + at, size, new_size, flags, wanted + at);
        if (last == -1)
            return -1;
        at += size;
    }
    if (to < from && (op->flags & MREMAP_DONTUNMAP) == 0)
        unmap(addr + to, from - to);
    errno = UNTOUCHED;
    return (long)wanted;
}

/* The shim refused. */
static long mirror_refusal(const struct op *op, uintptr_t addr, size_t from, size_t to,
                           uintptr_t wanted, const struct outcome *there)
{
    int error = there->error;
    bool may_move = (op->flags & MREMAP_MAYMOVE) != 0;
    bool in_parts = from != 0 && (is_in_parts(addr, from) || there->extra != 0);
    if (error == EFAULT && in_parts) {
        errno = error;
        return -1;
    }
    errno = UNTOUCHED;
    long got = act_remap(op, addr, from, to, op->flags, wanted);
    if (got == -1 && errno == EFAULT && error == ENOMEM && in_parts)
        errno = error;
    /* Room to grow in place is a favour, and asked for before or after. */
    if (got == -1 && errno == ENOMEM && error == EFAULT && !may_move && to > from)
        errno = error;
    if (got == -1 || error != ENOMEM || may_move || to <= from)
        return got;
    uintptr_t end = (from + PAGE - 1) & -PAGE;
    unmap(addr + end, ((to + PAGE - 1) & -PAGE) - end);
    errno = ENOMEM;
    return -1;
}

long mirror_remap(const struct op *op, uintptr_t addr, size_t from, size_t to, uintptr_t wanted,
                  const struct outcome *there)
{
    const int insists = MREMAP_FIXED | MREMAP_DONTUNMAP;
    if (there->value == -1)
        return mirror_refusal(op, addr, from, to, wanted, there);
    uintptr_t now = (uintptr_t)there->value;
    int flags = op->flags;
    if ((flags & MREMAP_FIXED) == 0 && now != addr) {
        if (!is_vacant(now, to))
            return -1;
        flags |= MREMAP_FIXED;
        wanted = now;
    } else if ((flags & insists) == 0) {
        flags &= ~MREMAP_MAYMOVE;
    }
    long got = act_remap(op, addr, from, to, flags, wanted);
    if (got != -1 || errno != EFAULT || from == 0 || !is_in_parts(addr, from))
        return got;
    if ((flags & MREMAP_FIXED) != 0)
        return move_parts(op, addr, from, to, wanted);
    /* Grown in place across several: so is the last one of them here. */
    uintptr_t end = addr + ((from + PAGE - 1) & -PAGE);
    uintptr_t grown = addr + ((to + PAGE - 1) & -PAGE);
    if (act_remap(op, end - PAGE, PAGE, grown - end + PAGE, 0, 0) == -1)
        return -1;
    errno = UNTOUCHED;
    return (long)addr;
}
