#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "heap.h"
#include "note.h"
#include "pieces.h"
#include "real.h"
#include "route.h"

/*
 * Calls that change or ask for what pages are like: protection, advice, locks, memory policy,
 * residency. What stays on the pages is noted before the call, so that they are never recycled as
 * if they were plain.
 */

struct protection {
    int prot;
    int key; /* -1: none was given */
};

static int protect_piece(struct range piece, const void *arguments)
{
    const struct protection *want = arguments;
    size_t nbytes = piece.end - piece.start;
    bool keyed = want->key > 0; /* key 0 is what all pages have */
    bool plain = want->prot == (PROT_READ | PROT_WRITE) && !keyed;
    if (plain) {
        space_commit(piece);
    } else {
        if (want->prot != PROT_NONE)
            space_settle(piece);
        space_mark(keyed ? PAGE_TORN : PAGE_PROTECTED, piece);
    }
    int result = want->key == -1
                     ? real.mprotect((void *)piece.start, nbytes, want->prot)
                     : real.pkey_mprotect((void *)piece.start, nbytes, want->prot, want->key);
    if (plain && result == 0)
        space_unmark(PAGE_PROTECTED, piece);
    return result;
}

static int protect(struct range range, int prot, int key)
{
    return pieces_call(range, HOLE_STOPS, protect_piece, &(struct protection){prot, key});
}

/* What the kernel refuses, or would do to a stack only, is for it to say. */
static bool is_protection(int prot)
{
    return (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) == 0;
}

EXPORT int mprotect(void *addr, size_t nbytes, int prot)
{
    struct range range;
    return unlikely(route_concerns(addr, nbytes, &range)) && is_protection(prot)
               ? protect(range, prot, -1)
               : real.mprotect(addr, nbytes, prot);
}

EXPORT int pkey_mprotect(void *addr, size_t nbytes, int prot, int key)
{
    struct range range;
    if (!route_concerns(addr, nbytes, &range) || !is_protection(prot))
        return real.pkey_mprotect(addr, nbytes, prot, key);
    /* A key that is not allocated is refused before anything is looked at. */
    int before = errno;
    if (pieces_ask_hole(protect_piece, &(struct protection){prot, key}) != 0 && errno == EINVAL)
        return -1;
    errno = before;
    return protect(range, prot, key);
}

static int advise_piece(struct range piece, const void *arguments)
{
    enum page_bit how;
    int advice = *(const int *)arguments;
    enum advice effect = route_advice(advice, &how);
    bool discards = advice == MADV_DONTNEED || advice == ADVICE_DONTNEED_LOCKED;
    if (effect == ADVICE_MARKS)
        space_mark(how, piece);
    if (discards)
        space_unfold(piece);
    int result = real.madvise((void *)piece.start, piece.end - piece.start, advice);
    if (result == 0 && effect == ADVICE_UNMARKS)
        space_unmark(how, piece);
    if (result == 0 && discards)
        space_discarded(piece);
    return result;
}

static int advise(void *addr, size_t nbytes, int advice)
{
    struct range range;
    if (likely(!route_concerns(addr, nbytes, &range)))
        return real.madvise(addr, nbytes, advice);
    return pieces_call(range, route_advice_stops(advice) ? HOLE_STOPS : HOLE_IS_PASSED,
                       advise_piece, &advice);
}

EXPORT int madvise(void *addr, size_t nbytes, int advice)
{
    return advise(addr, nbytes, advice);
}

/* As in glibc: POSIX_MADV_DONTNEED must not discard, and so does nothing. */
EXPORT int posix_madvise(void *addr, size_t nbytes, int advice)
{
    int before = errno;
    if (advice == POSIX_MADV_DONTNEED)
        return 0;
    int error = advise(addr, nbytes, advice) == 0 ? 0 : errno;
    errno = before;
    return error;
}

/* mlock(2) and its kin round the start down. */
static size_t round_start(const void **addr, size_t nbytes)
{
    size_t offset = (uintptr_t)*addr & (PAGE_BYTES - 1);
    *addr = (const char *)*addr - offset;
    return nbytes > SIZE_MAX - offset ? nbytes : nbytes + offset;
}

static int lock_piece(struct range piece, const void *arguments)
{
    space_mark(PAGE_TORN, piece);
    return real.mlock2((void *)piece.start, piece.end - piece.start, *(const unsigned *)arguments);
}

/* With a hole in the range the kernel locks what is before it, but populates nothing. */
static int lock_range(struct range range, unsigned flags)
{
    if (!space_is_live(space_clip(range)))
        flags |= MLOCK_ONFAULT;
    return pieces_call(range, HOLE_STOPS, lock_piece, &flags);
}

EXPORT int mlock2(const void *addr, size_t nbytes, unsigned flags)
{
    struct range range;
    nbytes = round_start(&addr, nbytes);
    return route_concerns(addr, nbytes, &range) && (flags & ~(unsigned)MLOCK_ONFAULT) == 0
               ? lock_range(range, flags)
               : real.mlock2(addr, nbytes, flags);
}

EXPORT int mlock(const void *addr, size_t nbytes)
{
    struct range range;
    nbytes = round_start(&addr, nbytes);
    return route_concerns(addr, nbytes, &range) ? lock_range(range, 0) : real.mlock(addr, nbytes);
}

static int unlock_piece(struct range piece, const void *arguments)
{
    (void)arguments;
    return real.munlock((void *)piece.start, piece.end - piece.start);
}

EXPORT int munlock(const void *addr, size_t nbytes)
{
    struct range range;
    nbytes = round_start(&addr, nbytes);
    return route_concerns(addr, nbytes, &range) ? pieces_call(range, HOLE_STOPS, unlock_piece, NULL)
                                                : real.munlock(addr, nbytes);
}

/* All memory, now or from now on, is to stay resident: the arena retires for good. */
EXPORT int mlockall(int flags)
{
    size_t before = g_route_max;
    g_route_max = 0;
    if (before != 0)
        space_suspend();
    int result = real.mlockall(flags);
    if (result != 0 && before != 0) {
        space_resume();
        g_route_max = before;
    }
    if (result == 0 && before != 0)
        heap_stop();
    return result;
}

struct policy {
    int mode;
    const unsigned long *nodes;
    unsigned long max;
    unsigned flags;
};

static int bind_piece(struct range piece, const void *arguments)
{
    const struct policy *policy = arguments;
    return (int)real.mbind((void *)piece.start, piece.end - piece.start, policy->mode,
                           policy->nodes, policy->max, policy->flags);
}

EXPORT long mbind(void *addr, unsigned long nbytes, int mode, const unsigned long *nodes,
                  unsigned long max, unsigned flags)
{
    struct range range;
    if (!route_concerns(addr, nbytes, &range))
        return real.mbind(addr, nbytes, mode, nodes, max, flags);
    const struct policy policy = {mode, nodes, max, flags};
    /* Only MPOL_DEFAULT, which is 0, takes a range with holes in it, if there is something else. */
    if (mode != 0 && !space_is_live(space_clip(range)))
        return pieces_ask_hole(bind_piece, &policy);
    int before = errno;
    if (mode != 0)
        space_mark(PAGE_TORN, range);
    int result = pieces_call(range, HOLE_IS_PASSED, bind_piece, &policy);
    if (result == 0 || mode != 0 || errno != EFAULT || !space_has_live(range))
        return result;
    errno = before;
    return 0;
}

static int sync_piece(struct range piece, const void *arguments)
{
    return real.msync((void *)piece.start, piece.end - piece.start, *(const int *)arguments);
}

EXPORT int msync(void *addr, size_t nbytes, int flags)
{
    struct range range;
    bool known = (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) == 0 &&
                 (flags & (MS_ASYNC | MS_SYNC)) != (MS_ASYNC | MS_SYNC);
    return known && route_concerns(addr, nbytes, &range)
               ? pieces_call(range, HOLE_IS_PASSED, sync_piece, &flags)
               : real.msync(addr, nbytes, flags);
}

struct residency {
    uintptr_t start;
    uintptr_t end;
    unsigned char *vec;
};

static int residency_piece(struct range piece, const void *arguments)
{
    const struct residency *out = arguments;
    if (piece.start >= out->start && piece.end <= out->end)
        return real.mincore((void *)piece.start, piece.end - piece.start,
                            out->vec + ((piece.start - out->start) >> PAGE_SHIFT));
    /* A hole. The kernel looks at the vector before; page 0 is as good as never mapped. */
    if (real.mincore(NULL, PAGE_BYTES, out->vec) == 0)
        errno = ENOMEM;
    return -1;
}

EXPORT int mincore(void *addr, size_t nbytes, unsigned char *vec)
{
    struct range range;
    return route_concerns(addr, nbytes, &range)
               ? pieces_call(range, HOLE_STOPS, residency_piece,
                             &(struct residency){range.start, range.end, vec})
               : real.mincore(addr, nbytes, vec);
}

/* Sealed pages can never be unmapped: munmap asks the kernel, which refuses. */
EXPORT int mseal(void *addr, size_t nbytes, unsigned long flags)
{
    struct range range;
    if (!route_concerns(addr, nbytes, &range))
        return real.mseal(addr, nbytes, flags);
    if (!space_is_live(space_clip(range))) {
        errno = ENOMEM;
        return -1;
    }
    space_mark(PAGE_TORN, range);
    int result = real.mseal(addr, nbytes, flags);
    if (result == 0)
        space_mark(PAGE_SEALED, range);
    return result;
}

/* The process may be this one. Holes are not looked for: such advice does cached pages no harm. */
EXPORT ssize_t process_madvise(int pidfd, const struct iovec *iov, size_t count, int advice,
                               unsigned flags)
{
    enum page_bit how;
    if (route_advice(advice, &how) == ADVICE_MARKS)
        note_iovecs(iov, count);
    return real.process_madvise(pidfd, iov, count, advice, flags);
}

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

EXPORT int prctl(int option, ...)
{
    va_list rest;
    va_start(rest, option);
    unsigned long a = va_arg(rest, unsigned long);
    unsigned long b = va_arg(rest, unsigned long);
    unsigned long c = va_arg(rest, unsigned long);
    unsigned long d = va_arg(rest, unsigned long);
    va_end(rest);
    struct range range;
    bool names = option == PR_SET_VMA && route_concerns((const void *)b, c, &range);
    int result = real.prctl(option, a, b, c, d);
    if (names && result == 0)
        space_mark(PAGE_ADVISED, range);
    return result;
}
