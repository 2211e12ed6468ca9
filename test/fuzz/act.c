#include "act.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "live.h"
#include "mirror.h"
#include "slots.h"
#include "sys.h"
#include "touch.h"
#include "view.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define FILE_PAGES 64

static enum side my_side;
static int files[4] = {-1, -1, -1, 9999};
static int pipe_ends[2];
static int key;
static bool seals;

static int make_file(uint64_t seed)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    uint64_t page[PAGE / sizeof(uint64_t)];
    for (int i = 0; i < FILE_PAGES; i++) {
        for (size_t j = 0; j < PAGE / sizeof(uint64_t); j++)
            page[j] = i % 4 == 3 ? 0 : seed++;
        if (write(fd, page, PAGE) != (ssize_t)PAGE)
            _exit(3);
    }
    return fd;
}

void act_reset(void)
{
    if (files[FILE_FIRST] != -1) {
        close(files[FILE_FIRST]);
        close(files[FILE_SECOND]);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
    }
    files[FILE_FIRST] = make_file(1000);
    files[FILE_SECOND] = make_file(2000000);
    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0)
        _exit(3);
    slots_init();
}

void act_init(enum side side)
{
    my_side = side;
    key = pkey_alloc(0, 0);
    act_reset();
    touch_init();
}

static long file_offset(const struct op *op)
{
    return op->file == FILE_NONE ? 0 : (long)(op->key % (FILE_PAGES + 2) * PAGE) + op->spare;
}

#define EITHER(op, number, name, ...)                                                              \
    ((op)->by_number ? (long)syscall(number, __VA_ARGS__) : (long)name(__VA_ARGS__))

long act_map(const struct op *op, uintptr_t addr, size_t nbytes, int flags)
{
    return EITHER(op, SYS_mmap, mmap, (void *)addr, nbytes, op->prot, flags, files[op->file % 4],
                  file_offset(op));
}

long act_unmap(const struct op *op, uintptr_t addr, size_t nbytes)
{
    return EITHER(op, SYS_munmap, munmap, (void *)addr, nbytes);
}

long act_remap(const struct op *op, uintptr_t addr, size_t from, size_t to, int flags,
               uintptr_t wanted)
{
    return EITHER(op, SYS_mremap, mremap, (void *)addr, from, to, flags, (void *)wanted);
}

/* Puts a call's result down. */
static long note(struct outcome *outcome, long value)
{
    outcome->value = value;
    outcome->error = value == -1 ? errno : errno == UNTOUCHED ? 0 : -1;
    return value;
}

static bool is_live(struct where where)
{
    for (uintptr_t page = where.from; page < where.to; page += PAGE)
        if (!live_has(page))
            return false;
    return true;
}

/*
 * Among the kernel's own choices, what was unmapped may have become the shim's own memory by now: it
 * is left alone.
 */
static bool is_foreign(const struct op *op, struct where where)
{
    return slots_is_high(op->slot) && !is_live(where);
}

/* A slot about to be given away; sealed memory in it stays where it is. */
static void clear_slot(const struct op *op, int slot)
{
    struct where where = slots_resolve(slot, 0, 1 << 30, true);
    uintptr_t from = where.from;
    if (!slots_is_high(slot)) {
        if (act_unmap(op, from, where.to - from) == 0)
            live_remove(from, where.to);
        return;
    }
    for (uintptr_t to; from < where.to; from = to) {
        bool live = live_has(from);
        for (to = from; to < where.to && live_has(to) == live; to += PAGE)
            continue;
        if (live && act_unmap(op, from, to - from) == 0)
            live_remove(from, to);
    }
}

static bool do_map(const struct op *op, struct outcome *outcome)
{
    size_t nbytes = op->n < 0 ? (size_t)op->seed : (size_t)op->n * PAGE - (op->n ? op->trim : 0);
    uintptr_t hint = slots_hint(op);
    int slot = op->slot % NSLOTS;
    clear_slot(op, slot);
    errno = UNTOUCHED;
    long got = my_side == SIDE_SHIM ? act_map(op, hint, nbytes, op->flags)
                                    : mirror_map(op, hint, nbytes, outcome->value);
    if (note(outcome, got) == -1)
        return true;
    size_t npages = (nbytes + PAGE - 1) / PAGE;
    g_slots[slot] = (struct slot){(uintptr_t)got, npages, false};
    live_add((uintptr_t)got, (uintptr_t)got + npages * PAGE);
    return true;
}

/* Of each slot that is there: one that failed to map keeps its place, where another may be by now. */
static void note_overlay(struct where where)
{
    for (struct slot *slot = g_slots; slot < g_slots + NSLOTS; slot++)
        slot->overlaid |= slot->base < where.to && slot->base + slot->npages * PAGE > where.from;
}

static bool do_map_over(const struct op *op, struct outcome *outcome)
{
    struct where where = slots_of(op, true);
    if (note(outcome, act_map(op, where.start, where.nbytes, op->flags)) == -1)
        return outcome->error == EEXIST || outcome->error == EINVAL || outcome->error == EBADF;
    live_add(where.from, where.to);
    note_overlay(where);
    return true;
}

static bool do_unmap(const struct op *op, struct outcome *outcome)
{
    struct where where = slots_of(op, false);
    if (note(outcome, act_unmap(op, where.start, where.nbytes)) == -1)
        return false;
    live_remove(where.from, where.to);
    return true;
}

/*
 * Several mappings where the program has not mapped them at once: what the kernel has merged of such
 * is its own affair.
 */
static bool is_patchwork(const struct op *op, struct where where)
{
    const struct slot *slot = &g_slots[op->slot % NSLOTS];
    bool patched = slots_is_high(op->slot) || where.from < slot->base ||
                   where.to > slot->base + slot->npages * PAGE;
    for (int i = 0; i < NSLOTS; i++)
        patched |= g_slots[i].overlaid && g_slots[i].base < where.to &&
                   g_slots[i].base + g_slots[i].npages * PAGE > where.from;
    return patched && view_mappings(where.from, where.to) != 1;
}

static bool do_remap(const struct op *op, struct outcome *outcome)
{
    struct where old = slots_of(op, false);
    struct where target = slots_resolve(op->other, op->other_off, op->other_n, true);
    bool fixed = (op->flags & MREMAP_FIXED) != 0;
    size_t to = fixed ? target.nbytes : (size_t)op->other_n * PAGE;
    int into = op->into % NSLOTS;
    if (to > op->trim)
        to -= op->trim;
    /*
     * Kernels from 6.17 on move several mappings, and what is between them, at once. What a refused
     * move has done before it met sealed memory differs between kernels.
     */
    if (fixed && slots_is_high(op->other) && !is_live(target)) {
        note(outcome, -2);
        return true;
    }
    if ((fixed && seals) || ((fixed || (op->flags & MREMAP_DONTUNMAP) != 0) && !is_live(old))) {
        note(outcome, -2);
        return true;
    }
    bool keeps = fixed || into == op->slot % NSLOTS;
    if (!keeps)
        clear_slot(op, into);
    errno = UNTOUCHED;
    long got = my_side == SIDE_SHIM
                   ? act_remap(op, old.start, old.nbytes, to, op->flags, target.start)
                   : mirror_remap(op, old.start, old.nbytes, to, target.start, outcome);
    if (note(outcome, got) == -1) {
        if (my_side == SIDE_SHIM && outcome->error == EFAULT)
            outcome->extra = is_patchwork(op, old);
        return false;
    }
    uintptr_t now = (uintptr_t)got;
    if (fixed)
        note_overlay(target);
    size_t npages = (to + PAGE - 1) / PAGE;
    if (now == old.start && npages <= (old.to - old.from) / PAGE) {
        live_remove(now + npages * PAGE, old.to);
        return true;
    }
    if ((op->flags & MREMAP_DONTUNMAP) == 0)
        live_remove(old.from, old.to);
    live_add(now, now + npages * PAGE);
    if (!fixed)
        g_slots[into] = (struct slot){now, npages, g_slots[op->slot % NSLOTS].overlaid};
    return true;
}

static long splice_page(struct where where, uint64_t seed)
{
    if (!live_has(where.from) || !touch_write(where.from, WRITE_WHOLE, seed))
        return -2;
    struct iovec iov = {(void *)where.from, PAGE};
    errno = UNTOUCHED;
    long sent = vmsplice(pipe_ends[1], &iov, 1, SPLICE_F_NONBLOCK);
    if (sent == (long)PAGE && munmap((void *)where.from, PAGE) == 0)
        live_remove(where.from, where.from + PAGE);
    return sent;
}

static long drain(void)
{
    static uint64_t buffer[4 * PAGE / sizeof(uint64_t)];
    uint64_t all = 1;
    long got;
    while ((got = read(pipe_ends[0], buffer, sizeof buffer)) > 0)
        for (size_t i = 0; i < (size_t)got / sizeof *buffer; i++)
            all = (all ^ buffer[i]) * 0x9e3779b97f4a7c15u;
    errno = UNTOUCHED;
    return (long)(all >> 8);
}

/* Writes or reads the live pages; the sum tells which could be, and what was read. */
static long touch(const struct op *op)
{
    struct where where = slots_of(op, false);
    uintptr_t step = (uintptr_t)(op->other_n < 1 ? 1 : op->other_n) * PAGE;
    uint64_t all = 1;
    for (uintptr_t page = where.from; page < where.to; page += step) {
        if (!live_has(page))
            continue;
        uint64_t one = op->kind == OP_READ
                           ? touch_sum(page)
                           : touch_write(page, (enum write_style)(op->flags % NSTYLES),
                                         op->seed + page / PAGE % 4096);
        all = (all ^ one) * 0x9e3779b97f4a7c15u;
    }
    errno = UNTOUCHED;
    return (long)(all >> 8);
}

/* Until it is written to again the kernel may drop what MADV_FREE was told of: not in both processes. */
static long advise(const struct op *op, struct where where)
{
    long result = EITHER(op, SYS_madvise, madvise, (void *)where.start, where.nbytes, op->flags);
    int error = errno;
    for (uintptr_t page = where.from; op->flags == MADV_FREE && page < where.to; page += PAGE)
        if (live_has(page))
            touch_write(page, WRITE_HEAD, 1);
    errno = error;
    return result;
}

static long attribute(const struct op *op, struct where where)
{
    static unsigned char residency[1 << 16];
    static const unsigned long nodes = 1;
    void *addr = (void *)where.start;
    size_t nbytes = where.nbytes;
    switch (op->kind) {
    case OP_PROTECT:
        if (op->key != 0)
            return EITHER(op, SYS_pkey_mprotect, pkey_mprotect, addr, nbytes, op->prot,
                          op->key == 1   ? -1
                          : op->key == 2 ? 0
                                         : key);
        return EITHER(op, SYS_mprotect, mprotect, addr, nbytes, op->prot);
    case OP_ADVISE:
        if (op->flags == MADV_DONTFORK)
            g_shared->unforked_used = true;
        return advise(op, where);
    case OP_LOCK:
        g_shared->locks_used = true;
        if (op->flags == -1)
            return EITHER(op, SYS_mlock, mlock, addr, nbytes);
        return EITHER(op, SYS_mlock2, mlock2, addr, nbytes, (unsigned)op->flags);
    case OP_UNLOCK:
        return EITHER(op, SYS_munlock, munlock, addr, nbytes);
    case OP_SYNC:
        return EITHER(op, SYS_msync, msync, addr, nbytes, op->flags);
    case OP_CORE:
        return EITHER(op, SYS_mincore, mincore, addr, nbytes, residency);
    case OP_BIND:
        /* MPOL_DEFAULT passes over holes in ways of its own. */
        if (op->flags == 0 && !is_live(where))
            return -2;
        return syscall(SYS_mbind, addr, nbytes, op->flags, op->flags == 0 ? NULL : &nodes,
                       op->flags == 0 ? 0L : 8L, 0L);
    case OP_NAME:
        return prctl(0x53564d41, 0UL, addr, nbytes, op->flags ? "fuzz" : NULL);
    case OP_SEAL:
        seals = true;
        return syscall(SYS_mseal, addr, nbytes, 0UL);
    case OP_REFILE:
        return EITHER(op, SYS_remap_file_pages, remap_file_pages, addr, nbytes, op->prot,
                      (size_t)op->key, op->flags);
    case OP_SPLICE:
        return splice_page(where, op->seed);
    case OP_DRAIN:
        return drain();
    default:
        return touch(op);
    }
}

bool act(const struct op *op, struct outcome *outcome)
{
    errno = UNTOUCHED;
    if (op->kind != OP_MAP && is_foreign(op, slots_of(op, op->kind == OP_MAP_OVER))) {
        note(outcome, -2);
        return true;
    }
    switch (op->kind) {
    case OP_MAP:
        return do_map(op, outcome);
    case OP_MAP_OVER:
        return do_map_over(op, outcome);
    case OP_UNMAP:
        return do_unmap(op, outcome);
    case OP_REMAP:
        return do_remap(op, outcome);
    default:
        note(outcome, attribute(op, slots_of(op, op->kind == OP_SPLICE)));
        return true;
    }
}
