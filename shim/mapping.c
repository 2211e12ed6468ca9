#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "pieces.h"
#include "real.h"
#include "route.h"

/*
 * mmap(2) and its family. Each function is: a call that has nothing to do with the region goes to
 * the real one as it is; otherwise ours.
 *
 * What is malformed (misaligned, wrapping around) goes to the real call too, which refuses it with
 * the errno that the kernel has for it.
 */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

size_t g_route_max;

static struct range pages_of(const void *addr, size_t nbytes)
{
    return range_of(addr, align_up(nbytes, PAGE_BYTES));
}

static size_t length_of(struct range range)
{
    return range.end - range.start;
}

/* Requests that no relief could help; see vm_enough_memory and TASK_SIZE in the kernel. */
#define HOPELESS_BYTES ((size_t)1 << 46)

/* The real mmap; where it finds no memory, what the arena holds is given back first. */
static void *map_really(void *addr, size_t nbytes, int prot, int flags, int fd, off_t offset)
{
    int before = errno;
    void *mapped = real.mmap(addr, nbytes, prot, flags, fd, offset);
    if (likely(mapped != MAP_FAILED) || errno != ENOMEM || nbytes >= HOPELESS_BYTES ||
        !space_relieve())
        return mapped;
    mapped = real.mmap(addr, nbytes, prot, flags, fd, offset);
    if (mapped != MAP_FAILED)
        errno = before;
    return mapped;
}

/*
 * MAP_FIXED over the region. What may not replace anything is refused by the kernel, which sees a
 * mapping everywhere in the region: so we pass on what is occupied, and what sticks out of it.
 */
static void *map_over(struct range range, int prot, int flags, int fd, off_t offset)
{
    bool vacant = (flags & MAP_FIXED_NOREPLACE) != 0;
    struct range inside = space_clip(range);
    bool sticks_out = inside.start != range.start || inside.end != range.end;
    switch (vacant && sticks_out ? CLAIM_OCCUPIED : space_claim(range, vacant)) {
    case CLAIM_OCCUPIED:
        return real.mmap((void *)range.start, length_of(range), prot, flags, fd, offset);
    case CLAIM_BUSY:
        errno = ENOMEM;
        return MAP_FAILED;
    case CLAIM_OK:
        break;
    }
    /* Plain memory is mapped as the region is, so that it is one mapping with its neighbours. */
    bool plain = route_is_plain(flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE));
    flags = (flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED | (plain ? MAP_NORESERVE : 0);
    void *addr = map_really((void *)range.start, length_of(range), prot, flags, fd, offset);
    if (addr == MAP_FAILED) {
        space_claim_undo(range);
        return addr;
    }
    if (plain)
        os_name((void *)inside.start, length_of(inside));
    space_claim_end(range, !plain);
    if (plain && prot != (PROT_READ | PROT_WRITE))
        space_mark(PAGE_PROTECTED, range);
    return addr;
}

/* At the hint where that is free, as the kernel does it (it rounds a hint up), or else anywhere. */
static void *serve(void *hint, size_t nbytes)
{
    uintptr_t start = align_up((uintptr_t)hint, PAGE_BYTES);
    struct range wanted = {start, start + align_up(nbytes, PAGE_BYTES)};
    if (unlikely(hint != NULL) && space_map_at(wanted))
        return (void *)start;
    return space_map(nbytes);
}

/*
 * A reservation, aligned as its hint is (V8 hints at 256 KB boundaries, and unmaps what sticks out).
 * A program that gives one back whole, untouched, as the next thing it does with it, wanted the
 * address it had asked for: from then on the kernel serves such.
 */
#define HINT_ALIGNMENT_MOST ((uintptr_t)256 * 1024)
static struct range last_hinted;
static bool hints_insist;

static void *reserve(const void *hint, size_t nbytes)
{
    uintptr_t alignment = (uintptr_t)hint & -(uintptr_t)hint;
    if (alignment > HINT_ALIGNMENT_MOST)
        alignment = HINT_ALIGNMENT_MOST;
    if (hint == NULL || alignment < PAGE_BYTES)
        alignment = PAGE_BYTES;
    if (hint != NULL && __atomic_load_n(&hints_insist, __ATOMIC_RELAXED))
        return NULL;
    void *served = space_reserve(nbytes, alignment);
    if (served != NULL && hint != NULL) {
        __atomic_store_n(&last_hinted.end, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&last_hinted.start, (uintptr_t)served, __ATOMIC_RELAXED);
        __atomic_store_n(&last_hinted.end, (uintptr_t)served + align_up(nbytes, PAGE_BYTES),
                         __ATOMIC_RELAXED);
    }
    return served;
}

static void note_rejected_hint(struct range range)
{
    if (range.start == __atomic_load_n(&last_hinted.start, __ATOMIC_RELAXED) &&
        range.end == __atomic_load_n(&last_hinted.end, __ATOMIC_RELAXED) &&
        space_is_reserved(range))
        __atomic_store_n(&hints_insist, true, __ATOMIC_RELAXED);
}

EXPORT void *mmap(void *addr, size_t nbytes, int prot, int flags, int fd, off_t offset)
{
    void *served = NULL;
    struct range range;
    switch (route_mmap(addr, nbytes, prot, flags, offset)) {
    case ROUTE_SERVE:
        served = serve(addr, nbytes);
        if (unlikely((flags & MAP_POPULATE) != 0) && served != NULL)
            os_populate(served, align_up(nbytes, PAGE_BYTES));
        break;
    case ROUTE_RESERVE:
        served = reserve(addr, nbytes);
        break;
    case ROUTE_FIXED:
        if (route_concerns(addr, nbytes, &range))
            return map_over(range, prot, flags, fd, offset);
        break;
    case ROUTE_KERNEL:
        break;
    }
    return likely(served != NULL) ? served : map_really(addr, nbytes, prot, flags, fd, offset);
}

EXPORT void *mmap64(void *addr, size_t nbytes, int prot, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

/* A range that overlaps the region. */
static int unmap(struct range range)
{
    struct range inside = space_clip(range);
    /* Upper part first: a range past the end of user space is refused before anything is undone. */
    if (unlikely(range.end > inside.end) &&
        real.munmap((void *)inside.end, range.end - inside.end) != 0)
        return -1;
    if (unlikely(range.start < inside.start) &&
        real.munmap((void *)range.start, inside.start - range.start) != 0)
        return -1;
    if (unlikely(space_is_odd(inside))) {
        if (space_is_sealed(inside))
            return real.munmap((void *)inside.start, length_of(inside));
        note_rejected_hint(inside);
    }
    space_unmap(inside);
    return 0;
}

EXPORT int munmap(void *addr, size_t nbytes)
{
    struct range range;
    return route_concerns(addr, nbytes, &range) ? unmap(range) : real.munmap(addr, nbytes);
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
 * Moves as much of a range as is one mapping to the kernel, at most all of it; the last piece grows
 * into what is left of the target. Returns how much, 0 if the kernel refuses.
 */
static size_t move_piece(struct range old, struct range target, int flags)
{
    for (size_t nbytes = length_of(old); nbytes != 0; nbytes = align_down(nbytes / 2, PAGE_BYTES)) {
        size_t grown = nbytes == length_of(old) ? length_of(target) : nbytes;
        if (real.mremap((void *)old.start, nbytes, grown, flags | MREMAP_FIXED,
                        (void *)target.start) != MAP_FAILED)
            return nbytes;
        if (errno != EFAULT)
            break;
    }
    return 0;
}

/*
 * What is one mapping to the program may be several to the kernel, which it does not move at once:
 * a fresh mapping does not always merge with its neighbours.
 */
static void *move_pieces(struct range old, size_t new_size, int flags, void *wanted)
{
    bool fixed = (flags & MREMAP_FIXED) != 0;
    if (!fixed)
        wanted = real.mmap(NULL, new_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                           -1, 0);
    if (wanted == MAP_FAILED)
        return MAP_FAILED;
    struct range target = range_of(wanted, new_size);
    while (old.start != old.end) {
        size_t moved = move_piece(old, target, flags);
        if (moved == 0) {
            if (!fixed && target.start == (uintptr_t)wanted)
                real.munmap(wanted, new_size);
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
    bool leaves = space_overlaps(old);
    bool uniform = leaves && space_is_uniform(space_clip(old));
    int before = errno;
    if (claims && space_claim(target, false) != CLAIM_OK) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    space_settle(old);
    void *moved = real.mremap((void *)old.start, length_of(old), new_size, flags, wanted);
    if (moved == MAP_FAILED && errno == EFAULT && uniform) {
        moved = move_pieces(old, new_size, flags, wanted);
        if (moved != MAP_FAILED)
            errno = before;
    }
    if (moved == MAP_FAILED) {
        if (claims)
            space_claim_undo(target);
        return MAP_FAILED;
    }
    if (claims)
        space_claim_end(target, true);
    if (leaves && (flags & MREMAP_DONTUNMAP) == 0) {
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

/* Without a move. NULL: it takes one. */
static void *remap_in_place(struct range old, struct range new, bool may_move)
{
    void *addr = (void *)old.start;
    struct range tail = {old.end, new.end};
    if (new.end == old.end)
        return addr;
    if (new.end < old.end)
        return unmap((struct range){new.end, old.end}) == 0 ? addr : MAP_FAILED;
    if (!space_is_odd(old) && space_map_at(tail))
        return addr;
    return may_move ? NULL : refuse(ENOMEM);
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
        void *result = remap_in_place(old, new, (flags & MREMAP_MAYMOVE) != 0);
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
        unmap((struct range){new.end, old.end});
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

