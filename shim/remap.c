#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "mapping.h"
#include "real.h"
#include "route.h"

/*
 * mremap(2). What the arena can do with its own pages it does; the rest is for the kernel to move, and
 * whatever hole that leaves in the region is closed at once.
 */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static struct range pages_of(const void *addr, size_t nbytes)
{
    return range_of(addr, align_up(nbytes, PAGE_BYTES));
}

/* Arguments that the kernel refuses whatever is mapped; see mremap(2). */
static bool remap_is_malformed(void *addr, size_t old_size, size_t new_size, int flags,
                               void *wanted)
{
    const int known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    bool fixed = (flags & MREMAP_FIXED) != 0;
    bool leaves = (flags & MREMAP_DONTUNMAP) != 0;
    if ((flags & ~known) != 0 || ((fixed || leaves) && (flags & MREMAP_MAYMOVE) == 0) ||
        ((uintptr_t)addr & (PAGE_BYTES - 1)) != 0 || new_size == 0 || new_size > PTRDIFF_MAX ||
        old_size > PTRDIFF_MAX)
        return true;
    struct range old = pages_of(addr, old_size);
    struct range new = pages_of(wanted, new_size);
    return (leaves && length_of(old) != length_of(new)) ||
           (fixed && ((uintptr_t)wanted & (PAGE_BYTES - 1)) != 0) ||
           ((fixed || leaves) && old.start < new.end &&new.start < old.end);
}

/*
 * What is one mapping to the program may be several to the kernel, which it does not move at once: a
 * fresh mapping does not always merge with its neighbours. Plain memory is copied: moved in pieces,
 * it would go on being several.
 */
static void *move_copy(struct range old, size_t new_size, int flags, void *wanted)
{
    const int plain = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *to = (flags & MREMAP_FIXED) != 0
                   ? real.mmap(wanted, new_size, PROT_READ | PROT_WRITE, plain | MAP_FIXED, -1, 0)
                   : mapping_map(new_size);
    if (to == MAP_FAILED)
        return MAP_FAILED;
    space_copy(to, old);
    if ((flags & MREMAP_DONTUNMAP) != 0)
        os_purge((void *)old.start, length_of(old));
    return to;
}

static void *reserve(void *wanted, size_t nbytes, int flags)
{
    return real.mmap(wanted, nbytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags,
                     -1, 0);
}

/*
 * Moves as much of a range as is one mapping to the kernel, at most all of it; the last piece grows
 * into what is left of the target. Returns how much, 0 if the kernel refuses. Before Linux 6.17 the target
 * is unmapped by then: if it was reserved, it is again, before another thread gets it.
 */
static size_t move_piece(struct range old, struct range target, int flags, bool reserved)
{
    for (size_t nbytes = length_of(old); nbytes != 0; nbytes = align_down(nbytes / 2, PAGE_BYTES)) {
        size_t grown = nbytes == length_of(old) ? length_of(target) : nbytes;
        if (real.mremap((void *)old.start, nbytes, grown, flags | MREMAP_FIXED,
                        (void *)target.start) != MAP_FAILED)
            return nbytes;
        if (errno != EFAULT)
            break;
        if (reserved)
            reserve((void *)target.start, grown, MAP_FIXED_NOREPLACE);
    }
    return 0;
}

/*
 * Half-way: what was moved goes back. What does not is lost; the hole it leaves is closed when it is
 * unmapped, as nothing that was done to it can be undone there.
 */
static void move_back(struct range moved, struct range old)
{
    size_t nbytes;
    while (moved.start != moved.end &&
           (nbytes = move_piece(moved, old, MREMAP_MAYMOVE, false)) != 0) {
        moved.start += nbytes;
        old.start += nbytes;
    }
    if (moved.start != moved.end)
        real.munmap((void *)moved.start, length_of(moved));
}

/* The same for memory that is odd throughout, and would not be the same when copied. */
static void *move_pieces(struct range old, size_t new_size, int flags, void *wanted)
{
    bool fixed = (flags & MREMAP_FIXED) != 0;
    if (!fixed)
        wanted = reserve(NULL, new_size, 0);
    if (wanted == MAP_FAILED)
        return MAP_FAILED;
    struct range target = range_of(wanted, new_size);
    uintptr_t start = old.start;
    while (old.start != old.end) {
        size_t moved = move_piece(old, target, flags, !fixed);
        if (moved == 0) {
            move_back((struct range){(uintptr_t)wanted, target.start},
                      (struct range){start, old.start});
            if (!fixed)
                real.munmap((void *)target.start, length_of(target));
            errno = ENOMEM;
            return MAP_FAILED;
        }
        old.start += moved;
        target.start += moved;
    }
    return wanted;
}

/* The kernel moves; what it left in the region is closed at once, and what it fills is claimed. */
static void *remap_moving(struct range old, size_t new_size, int flags, void *wanted)
{
    struct range target = range_of(wanted, new_size);
    bool claims = (flags & MREMAP_FIXED) != 0 && space_overlaps(target);
    bool was_plain = claims && !space_is_odd(space_clip(target));
    bool leaves = space_overlaps(old);
    bool uniform = leaves && space_is_uniform(space_clip(old));
    int before = errno;
    if (claims && space_claim(target, false) != CLAIM_OK) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    space_settle(old);
    space_join(old);
    void *moved = real.mremap((void *)old.start, length_of(old), new_size, flags, wanted);
    if (moved == MAP_FAILED && errno == EFAULT && uniform) {
        moved = (space_is_odd(old) ? move_pieces : move_copy)(old, new_size, flags, wanted);
        if (moved != MAP_FAILED)
            errno = before;
    }
    if (moved == MAP_FAILED) {
        if (claims)
            space_claim_undo(target, was_plain);
        return MAP_FAILED;
    }
    if (claims)
        space_claim_end(target, true);
    if (leaves && (flags & MREMAP_DONTUNMAP) != 0) {
        space_discarded(old);
    } else if (leaves) {
        space_mark(PAGE_TORN, old);
        space_unmap(old);
    }
    return moved;
}

static void *refuse(int error)
{
    errno = error;
    return MAP_FAILED;
}

/* Without the kernel. NULL: it takes a move of mappings. */
static void *remap_within(struct range old, struct range new, bool may_move)
{
    void *addr = (void *)old.start;
    struct range tail = {old.end, new.end};
    if (new.end == old.end)
        return addr;
    if (new.end < old.end)
        return mapping_unmap((struct range){new.end, old.end}) == 0 ? addr : MAP_FAILED;
    if (!space_is_odd(old) && space_map_at(tail))
        return addr;
    if (!may_move)
        return refuse(ENOMEM);
    return length_of(new) <= g_route_max ? space_grow(old, length_of(new)) : NULL;
}

/* What is only cut needs no more than a first page; what is moved must be there as a whole. */
static bool remap_source_is_live(struct range old, struct range new, bool cuts)
{
    struct range first = pages_of((void *)old.start, 1);
    struct range moved = new.end < old.end ? new : old;
    struct range needed = cuts || old.start == old.end ? first : moved;
    return space_clip(needed).start == needed.start && space_clip(needed).end == needed.end &&
           space_is_live(needed);
}

static void *remap(void *addr, size_t old_size, size_t new_size, int flags, void *wanted)
{
    if (remap_is_malformed(addr, old_size, new_size, flags, wanted))
        return real.mremap(addr, old_size, new_size, flags, wanted);
    struct range old = pages_of(addr, old_size);
    struct range new = pages_of(addr, new_size);
    struct range target = pages_of(wanted, new_size);
    bool fixed = (flags & MREMAP_FIXED) != 0 && space_overlaps(target);
    bool ours = region_owns(old.start) || space_overlaps(old);
    if (!ours && !fixed)
        return real.mremap(addr, old_size, new_size, flags, wanted);

    bool stays = (flags & ~MREMAP_MAYMOVE) == 0;
    if (ours) {
        if (region_owns(old.start) && space_is_sealed(pages_of(addr, 1)))
            return refuse(EPERM);
        if (!remap_source_is_live(old, new, stays && new.end <= old.end))
            return refuse(EFAULT);
    }
    if (ours && stays && old_size != 0) {
        void *result = remap_within(old, new, (flags & MREMAP_MAYMOVE) != 0);
        if (result != NULL)
            return result;
    }
    /* What is sealed further on stops the kernel half-way, if it moves several mappings at once. */
    struct range cut = {new.end < old.end ? new.end : old.start, old.end};
    bool several = (flags & MREMAP_FIXED) != 0 ? new.end <= old.end : new.end < old.end;
    if ((fixed && space_is_sealed(space_clip(target))) ||
        (ours && several && space_is_sealed(space_clip(cut))))
        return refuse(EPERM);
    if (ours && old_size != 0 && new.end < old.end) {
        mapping_unmap((struct range){new.end, old.end});
        old.end = new.end;
    }
    return remap_moving(old, length_of(new), flags, wanted);
}

EXPORT void *mremap(void *addr, size_t old_size, size_t new_size, int flags, ...)
{
    void *wanted = NULL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        wanted = va_arg(arguments, void *);
        va_end(arguments);
    }
    return remap(addr, old_size, new_size, flags, wanted);
}
