#include "generate.h"

#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* What a slot was asked to be; the call may have failed. */
static struct {
    int npages;
    bool used;
} slots[NSLOTS];

/* What may be used: MADV_DONTFORK; locks (with which MREMAP_DONTUNMAP counts oddly). */
static bool unforked;
static bool locking;
static const struct flavour *flavour;
static struct choices *source;

static uint64_t draw(void)
{
    return choose(source);
}

static int below(int n)
{
    return (int)(draw() % (uint64_t)n);
}

static bool one_in(int n)
{
    return below(n) == 0;
}

#define PICK(...)                                                                                  \
    ((const int[]){__VA_ARGS__}[below((int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))])

static int size(void)
{
    int kind = below(16);
    if (kind < 5)
        return 1;
    if (kind < 9)
        return 1 + below(8);
    if (kind < 11)
        return PICK(16, 16, 32, 64);
    if (kind < 14 || flavour->sizes == 0)
        return 1 + below(kind == 15 ? 100 : 40);
    if (flavour->sizes == 1 || kind == 14)
        return PICK(512, 512, 128, 513, 640, 256);
    return PICK(512, 1024, 1536, 2048, 700, 4096, 2049);
}

static int protection(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    return PICK(PROT_NONE, PROT_NONE, PROT_READ, rw, rw, rw, rw, PROT_WRITE, rw | PROT_EXEC);
}

static int some_slot(void)
{
    int slot = below(NSLOTS);
    for (int i = 0; i < NSLOTS && !slots[slot].used; i++)
        slot = (slot + 1) % NSLOTS;
    return one_in(24) ? below(NSLOTS) : slot;
}

/* A range in the slot; now and then one that sticks out of it. */
static void place(struct op *op, int slot)
{
    int npages = slots[slot].used ? slots[slot].npages : SLOT_PAGES;
    op->slot = (uint8_t)slot;
    int kind = below(16);
    if (kind < 5) {
        op->off = 0;
        op->n = npages;
    } else if (kind < 15) {
        op->off = below(npages);
        op->n = kind < 9 ? 1 : 1 + below(npages - op->off);
    } else {
        op->off = below(npages + 8) - 4;
        op->n = below(npages + 16);
    }
    if (one_in(12))
        op->trim = (uint16_t)(1 + below(4095));
    if (one_in(200))
        op->skew = (uint16_t)below(4096);
}

static void make_map(struct op *op)
{
    op->slot = (uint8_t)below(NSLOTS);
    op->n = size();
    op->prot = PROT_READ | PROT_WRITE;
    op->flags = MAP_PRIVATE | MAP_ANONYMOUS;
    op->other = HINT_NONE;
    if (one_in(12))
        op->trim = (uint16_t)(1 + below(4095));
    if (one_in(3)) {
        op->prot = one_in(2) ? PROT_NONE : protection();
        /* Not MAP_STACK: the kernel takes it as MADV_NOHUGEPAGE, which changes what mremap says. */
        op->flags |= PICK(0, MAP_NORESERVE, 0, MAP_POPULATE, MAP_NORESERVE, MAP_LOCKED);
    }
    if (one_in(10)) {
        op->file = (uint8_t)PICK(FILE_NONE, FILE_FIRST, FILE_SECOND, FILE_FIRST);
        op->flags = PICK(MAP_SHARED, MAP_PRIVATE, MAP_SHARED | MAP_NORESERVE);
        op->flags |= op->file == FILE_NONE ? MAP_ANONYMOUS : 0;
        op->key = (uint32_t)below(64);
    }
    if (one_in(6)) {
        op->other = (uint8_t)(one_in(6) ? HINT_RANDOM : some_slot());
        op->seed = draw();
        op->other_off = one_in(3) ? 0 : below(80);
        op->skew = (uint16_t)(one_in(8) ? below(4096) : 0);
    }
    if (one_in(100)) {
        op->n = PICK(0, -1, -1, 1);
        op->seed = (uint64_t[]){1ul << 47, ~0ul, ~0ul - 4095, 1ul << 63}[below(4)];
        op->file = (uint8_t)PICK(FILE_NONE, FILE_BAD);
        op->flags = PICK(MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, 0, MAP_SHARED, MAP_ANONYMOUS);
        op->spare = (uint8_t)below(3);
    }
    slots[op->slot].used = op->n > 0;
    slots[op->slot].npages = op->n > 0 ? op->n : SLOT_PAGES;
}

static void make_map_over(struct op *op)
{
    place(op, some_slot());
    op->prot = one_in(3) ? protection() : PROT_READ | PROT_WRITE;
    op->flags = MAP_PRIVATE | MAP_ANONYMOUS | (one_in(2) ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    op->flags |= PICK(0, 0, 0, MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED);
    if (one_in(5)) {
        op->flags = (op->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) | PICK(MAP_SHARED, MAP_PRIVATE);
        op->file = (uint8_t)PICK(FILE_FIRST, FILE_SECOND, FILE_FIRST, FILE_BAD, FILE_NONE);
        op->flags |= op->file == FILE_NONE ? MAP_ANONYMOUS : 0;
        op->key = (uint32_t)below(64);
    }
}

static void make_unmap(struct op *op)
{
    int slot = some_slot();
    place(op, slot);
    if (one_in(20))
        op->n = below(200);
    if (op->off == 0 && op->n == slots[slot].npages && !one_in(6))
        slots[slot].used = false;
}

static void make_remap(struct op *op)
{
    place(op, some_slot());
    op->trim = (uint16_t)(one_in(20) ? below(4096) : 0);
    op->into = (uint8_t)(one_in(3) ? op->slot : below(NSLOTS));
    op->other = (uint8_t)some_slot();
    op->other_n = one_in(2) ? size() : 1 + below(op->n + 8);
    op->other_off = below(slots[op->other].used ? slots[op->other].npages : SLOT_PAGES);
    if (one_in(30))
        op->n = 0;
    if (one_in(60))
        op->other_n = 0;
    op->flags =
        PICK(0, MREMAP_MAYMOVE, MREMAP_MAYMOVE, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED,
             MREMAP_MAYMOVE | MREMAP_DONTUNMAP, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP);
    if (one_in(50))
        op->flags = below(16);
    if ((op->flags & MREMAP_DONTUNMAP) != 0 && !one_in(10))
        op->other_n = op->n;
    if ((op->flags & MREMAP_FIXED) == 0 && op->other_n > 0) {
        slots[op->into].used = true;
        slots[op->into].npages = op->other_n;
    }
}

static int advice(void)
{
    if (below(10000) < flavour->huge_advice * 10)
        return PICK(MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_HUGEPAGE);
    if (unforked && one_in(20))
        return MADV_DONTFORK;
    return PICK(MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_DOFORK, MADV_DONTDUMP,
                MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_NOHUGEPAGE, MADV_MERGEABLE,
                MADV_UNMERGEABLE, MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
                MADV_FREE, 20, 22, 23, 24, 102, 103, MADV_REMOVE, 999);
}

static void make_touch(struct op *op, int kind)
{
    op->kind = (uint8_t)kind;
    place(op, some_slot());
    op->flags = below(NSTYLES);
    op->seed = draw();
    op->other_n = op->n > 64 ? op->n / 32 : 1;
}

static void make_attribute(struct op *op)
{
    op->kind = (uint8_t)PICK(OP_PROTECT, OP_PROTECT, OP_PROTECT, OP_ADVISE, OP_ADVISE, OP_ADVISE,
                             OP_LOCK, OP_UNLOCK, OP_SYNC, OP_CORE, OP_BIND, OP_NAME, OP_REFILE,
                             OP_SPLICE, OP_DRAIN);
    place(op, some_slot());
    switch (op->kind) {
    case OP_PROTECT:
        op->prot = protection();
        op->key = (uint32_t)(one_in(6) ? 1 + below(3) : 0);
        break;
    case OP_ADVISE:
        op->flags = advice();
        break;
    case OP_LOCK:
        op->flags = PICK(-1, -1, 0, 1, 1, 4);
        break;
    case OP_SYNC:
        op->flags = PICK(MS_ASYNC, MS_SYNC, MS_SYNC, MS_ASYNC | MS_SYNC, MS_SYNC | MS_INVALIDATE);
        break;
    case OP_BIND:
        op->flags = PICK(0, 0, 1, 3);
        break;
    case OP_NAME:
        op->flags = below(2);
        break;
    case OP_REFILE:
        op->key = (uint32_t)below(8);
        break;
    case OP_SPLICE:
        op->seed = draw();
        break;
    default:
        break;
    }
}

static void make_fork(struct op *op)
{
    op->kind = OP_FORK;
    op->n = below(3) * below(24);
    op->flags = PICK(FORK_LIBC, FORK_LIBC, FORK_LIBC, FORK_BARE, FORK_SYSTEM_CALL, FORK_VFORK);
}

static void make(struct op *op)
{
    int kind = below(100);
    *op = (struct op){.by_number = one_in(5), .thread = (uint8_t)below(4)};
    if (below(10000) < flavour->forks) {
        make_fork(op);
    } else if (kind < 24) {
        op->kind = OP_MAP;
        make_map(op);
    } else if (kind < 42) {
        op->kind = OP_UNMAP;
        make_unmap(op);
    } else if (kind < 64) {
        make_touch(op, one_in(4) ? OP_READ : OP_WRITE);
    } else if (kind < 70) {
        op->kind = OP_MAP_OVER;
        make_map_over(op);
    } else if (kind < 76) {
        op->kind = OP_REMAP;
        make_remap(op);
    } else if (below(10000) < 4) {
        op->kind = OP_SEAL;
        place(op, some_slot());
    } else {
        make_attribute(op);
    }
    if (op->kind == OP_REMAP && locking)
        op->flags &= ~MREMAP_DONTUNMAP;
    if (!locking && op->kind == OP_LOCK)
        op->kind = OP_UNLOCK;
    if (!locking && (op->kind == OP_MAP || op->kind == OP_MAP_OVER))
        op->flags &= ~MAP_LOCKED;
}

int generate(struct choices *choices, const struct flavour *of, struct op *ops, int nops)
{
    source = choices;
    flavour = of;
    unforked = one_in(2);
    locking = one_in(2);
    for (int i = 0; i < NSLOTS; i++)
        slots[i].used = false;
    for (int i = 0; i < nops; i++) {
        if (choices->bytes != NULL && choices->left == 0)
            return i;
        make(&ops[i]);
    }
    return nops;
}
