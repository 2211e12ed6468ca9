#include "mapping.h"

#include <errno.h>
#include <sys/mman.h>

#include "real.h"
#include "route.h"

/*
 * mmap(2) and munmap(2). Each function is: a call that has nothing to do with the region goes to
 * the real one as it is; otherwise ours.
 *
 * What is malformed (misaligned, wrapping around) goes to the real call too, which refuses it with
 * the errno that the kernel has for it.
 */
size_t g_route_max;

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
    bool was_plain = !space_is_odd(inside);
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
    /*
     * Plain memory is mapped as the region is, so that it is one mapping with its neighbours: before
     * it is touched, since mappings that were touched apart stay apart.
     */
    bool plain = route_is_plain(flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE));
    bool populate = plain && (flags & MAP_POPULATE) != 0 && prot != PROT_NONE;
    flags = (flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED;
    if (plain)
        flags = (flags & ~MAP_POPULATE) | MAP_NORESERVE;
    void *addr = map_really((void *)range.start, length_of(range), prot, flags, fd, offset);
    if (addr == MAP_FAILED) {
        space_claim_undo(range, was_plain);
        return addr;
    }
    if (plain)
        os_name((void *)inside.start, length_of(inside));
    space_claim_end(range, !plain);
    if (plain && prot != (PROT_READ | PROT_WRITE))
        space_mark(PAGE_PROTECTED, range);
    if (populate)
        os_advise((void *)range.start, length_of(range),
                  (prot & PROT_WRITE) != 0 ? ADVICE_POPULATE_WRITE : ADVICE_POPULATE_READ);
    return addr;
}

/* What a hint means: the kernel rounds it up. */
static struct range wanted_at(const void *hint, size_t nbytes)
{
    uintptr_t start = align_up((uintptr_t)hint, PAGE_BYTES);
    return (struct range){start, start + align_up(nbytes, PAGE_BYTES)};
}

/* At the hint where that is free, as the kernel does it, or else anywhere. */
static void *serve(const void *hint, size_t nbytes)
{
    struct range wanted = wanted_at(hint, nbytes);
    if (unlikely(hint != NULL) && space_map_at(wanted))
        return (void *)wanted.start;
    return space_map(nbytes);
}

/*
 * A reservation. V8 hints at 256 KB boundaries, but asks for so much that it can cut out what is aligned.
 * A program that gives one back whole, untouched, as the next thing it does with it, wanted the
 * address it had asked for: from then on the kernel serves such.
 */
static struct range last_hinted;
static bool hints_insist;

static void *reserve(const void *hint, size_t nbytes)
{
    struct range wanted = wanted_at(hint, nbytes);
    if (hint != NULL && space_reserve_at(wanted))
        return (void *)wanted.start;
    if (hint != NULL && __atomic_load_n(&hints_insist, __ATOMIC_RELAXED))
        return NULL;
    void *served = space_reserve(nbytes);
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

void *mapping_map(size_t nbytes)
{
    void *served = nbytes <= g_route_max ? space_map(nbytes) : NULL;
    return served != NULL ? served
                          : map_really(NULL, nbytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

int mapping_unmap(struct range range)
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
    return route_concerns(addr, nbytes, &range) ? mapping_unmap(range) : real.munmap(addr, nbytes);
}
