#include "perform.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "fault.h"
#include "shadow.h"

/* No errno that a call sets. */
#define UNTOUCHED 4242

/* Above this there is no address space. */
#define GRANTABLE_MOST ((size_t)1 << 47)

/* Every malloc of this ABI. */
#define ALIGNMENT_LEAST 16

static void __attribute__((noreturn, noinline, cold))
fail(enum fault_kind kind, int step, uint64_t expected, uint64_t found)
{
    int slot = g_common->steps[step].slot;
    bool live = g_blocks[slot].origin != ORIGIN_NONE;
    fault_say(&(struct fault){.kind = kind,
                              .step = step,
                              .slot = slot,
                              .addr = live ? g_blocks[slot].addr : 0,
                              .size = live ? g_blocks[slot].size : 0,
                              .expected = expected,
                              .found = found});
}

static void expect_errno(int step, int expected)
{
    if (errno != expected)
        fail(FAULT_ERRNO, step, (uint64_t)expected, (uint64_t)errno);
}

/*
 * After success. A thread's arena that is full makes glibc's malloc turn to another one, and then it
 * leaves ENOMEM behind: nobody's fault but glibc's.
 */
static void expect_errno_kept(int step, uintptr_t addr)
{
    bool in_region = addr >= (uintptr_t)0x200000000000 && addr < (uintptr_t)0x500000000000;
    if (in_region || g_common->nthreads == 1 || errno != ENOMEM)
        expect_errno(step, UNTOUCHED);
}

/* What the step asks for; false: more than can be granted. */
static bool wanted(const struct step *step, size_t *nbytes)
{
    *nbytes = step->size;
    if (step->kind == STEP_CALLOC || step->kind == STEP_REALLOCARRAY)
        if (__builtin_mul_overflow(step->size, step->count, nbytes))
            return false;
    return *nbytes < GRANTABLE_MOST;
}

/* How many bytes the program may use. */
static size_t extent_of(int step, uintptr_t addr, size_t size)
{
    size_t usable = malloc_usable_size((void *)addr);
    if (usable < size)
        fail(FAULT_USABLE, step, size, usable);
    return usable;
}

/* A new block is in the slot, with what it must be true of it. */
static void settle(int i, enum origin origin, uintptr_t addr, size_t size, size_t alignment)
{
    const struct step *step = &g_common->steps[i];
    struct block *block = &g_blocks[step->slot];
    if (addr % alignment != 0)
        fail(FAULT_ALIGNMENT, i, alignment, addr);
    block->origin = origin;
    block->addr = addr;
    block->size = size;
    block->extent = origin == ORIGIN_HEAP ? extent_of(i, addr, size) : size;
    shadow_enter(step->slot, i);
}

/* A call that makes a block; alignment: that of what it gives; error: what it returned. */
static uintptr_t call(const struct step *step, size_t *alignment, int *error)
{
    void *block = NULL;
    *error = 0;
    *alignment = ALIGNMENT_LEAST;
    switch (step->kind) {
    case STEP_MALLOC:
        return (uintptr_t)malloc(step->size);
    case STEP_CALLOC:
        return (uintptr_t)calloc(step->count, step->size);
    case STEP_VALLOC:
        *alignment = PAGE;
        return (uintptr_t)valloc(step->size);
    case STEP_PVALLOC:
        *alignment = PAGE;
        return (uintptr_t)pvalloc(step->size);
    default:
        if (step->align > ALIGNMENT_LEAST)
            *alignment = step->align;
        break;
    }
    if (step->kind == STEP_ALIGNED_ALLOC)
        return (uintptr_t)aligned_alloc(step->align, step->size);
    if (step->kind == STEP_MEMALIGN)
        return (uintptr_t)memalign(step->align, step->size);
    *error = posix_memalign(&block, step->align, step->size);
    if (*error != 0 && block != NULL)
        *error = -1;
    return (uintptr_t)block;
}

static bool alignment_is_valid(const struct step *step)
{
    return step->kind != STEP_POSIX_MEMALIGN ||
           (step->align >= sizeof(void *) && (step->align & (step->align - 1)) == 0);
}

static void make_block(int i)
{
    const struct step *step = &g_common->steps[i];
    if (g_blocks[step->slot].origin != ORIGIN_NONE)
        return;
    size_t size, alignment;
    int error;
    bool can = wanted(step, &size);
    errno = UNTOUCHED;
    uintptr_t addr = call(step, &alignment, &error);
    if (step->kind == STEP_POSIX_MEMALIGN) {
        int expected = !alignment_is_valid(step) ? EINVAL : can ? 0 : ENOMEM;
        if (error != expected)
            fail(FAULT_ERRNO, i, (uint64_t)expected, (uint64_t)error);
        if (error != 0)
            return;
    }
    if (can != (addr != 0))
        fail(can ? FAULT_REFUSED : FAULT_GRANTED, i, size, addr);
    if (!can) {
        expect_errno(i, ENOMEM);
        return;
    }
    expect_errno_kept(i, addr);
    if (step->kind == STEP_PVALLOC)
        size = (size + PAGE - 1) & ~(PAGE - 1);
    settle(i, ORIGIN_HEAP, addr, size, alignment);
    if (step->kind == STEP_CALLOC)
        shadow_check_zero(step->slot, i, 0, size, STYLE_WHOLE);
    shadow_fill(step->slot, step);
}

static void resize_block(int i)
{
    const struct step *step = &g_common->steps[i];
    struct block *block = &g_blocks[step->slot];
    struct block was = *block;
    if (was.origin == ORIGIN_MAPPING)
        return;
    size_t size;
    bool can = wanted(step, &size);
    if (was.origin == ORIGIN_HEAP) {
        shadow_check(step->slot, i);
        shadow_leave(step->slot);
    }
    void *old = was.origin == ORIGIN_HEAP ? (void *)was.addr : NULL;
    errno = UNTOUCHED;
    uintptr_t addr =
        (uintptr_t)(step->kind == STEP_REALLOC ? realloc(old, step->size)
                                               : reallocarray(old, step->count, step->size));
    /* glibc's way with realloc(p, 0): it frees. */
    bool freed = old != NULL && can && size == 0;
    if ((can && !freed) != (addr != 0))
        fail(addr == 0 ? FAULT_REFUSED : FAULT_GRANTED, i, size, addr);
    if (can)
        expect_errno_kept(i, addr);
    else
        expect_errno(i, ENOMEM);
    if (freed) {
        block->origin = ORIGIN_NONE;
    } else if (!can && old != NULL) {
        shadow_enter(step->slot, i);
        shadow_check(step->slot, i);
    } else if (can) {
        settle(i, ORIGIN_HEAP, addr, size, ALIGNMENT_LEAST);
        if (old != NULL)
            shadow_check_moved(step->slot, i, &was, addr, was.size < size ? was.size : size);
        shadow_fill(step->slot, step);
    }
}

static void free_block(int i)
{
    int slot = g_common->steps[i].slot;
    struct block *block = &g_blocks[slot];
    if (block->origin == ORIGIN_MAPPING)
        return;
    errno = UNTOUCHED;
    if (block->origin == ORIGIN_NONE) {
        free(NULL);
    } else {
        shadow_check(slot, i);
        shadow_leave(slot);
        errno = UNTOUCHED;
        free((void *)block->addr);
        block->origin = ORIGIN_NONE;
    }
    expect_errno(i, UNTOUCHED);
}

static void ask_usable(int i)
{
    const struct block *block = &g_blocks[g_common->steps[i].slot];
    if (block->origin == ORIGIN_MAPPING)
        return;
    size_t expected = block->origin == ORIGIN_HEAP ? block->extent : 0;
    errno = UNTOUCHED;
    size_t usable = malloc_usable_size(block->origin == ORIGIN_HEAP ? (void *)block->addr : NULL);
    if (usable != expected)
        fail(FAULT_USABLE, i, expected, usable);
    expect_errno(i, UNTOUCHED);
}

static size_t in_pages(size_t nbytes)
{
    return (nbytes + PAGE - 1) & ~(PAGE - 1);
}

/* All of it, or each page, where that is cheap or the step says so. */
static enum style zero_style(const struct step *step, size_t nbytes)
{
    if (nbytes <= 4 * PAGE || (nbytes <= 64 * PAGE && step->tag % 16 == 0))
        return STYLE_WHOLE;
    if (nbytes <= 64 * PAGE && step->style < STYLE_PAGES)
        return STYLE_PAGES;
    return (enum style)step->style;
}

static void map(int i)
{
    const struct step *step = &g_common->steps[i];
    if (g_blocks[step->slot].origin != ORIGIN_NONE)
        return;
    size_t size = in_pages(step->size);
    errno = UNTOUCHED;
    void *at = mmap(NULL, step->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        fail(FAULT_REFUSED, i, size, (uint64_t)errno);
    expect_errno(i, UNTOUCHED);
    settle(i, ORIGIN_MAPPING, (uintptr_t)at, size, PAGE);
    shadow_check_zero(step->slot, i, 0, size, zero_style(step, size));
    shadow_fill(step->slot, step);
}

static void unmap(int i)
{
    int slot = g_common->steps[i].slot;
    struct block *block = &g_blocks[slot];
    if (block->origin != ORIGIN_MAPPING)
        return;
    shadow_check(slot, i);
    shadow_leave(slot);
    block->origin = ORIGIN_NONE;
    errno = UNTOUCHED;
    if (munmap((void *)block->addr, block->size) != 0)
        fail(FAULT_REFUSED, i, 0, (uint64_t)errno);
    expect_errno(i, UNTOUCHED);
}

static void remap(int i)
{
    const struct step *step = &g_common->steps[i];
    struct block was = g_blocks[step->slot];
    if (was.origin != ORIGIN_MAPPING)
        return;
    size_t size = in_pages(step->size);
    shadow_check(step->slot, i);
    shadow_leave(step->slot);
    errno = UNTOUCHED;
    void *at = mremap((void *)was.addr, was.size, step->size, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
        fail(FAULT_REFUSED, i, size, (uint64_t)errno);
    expect_errno(i, UNTOUCHED);
    settle(i, ORIGIN_MAPPING, (uintptr_t)at, size, PAGE);
    shadow_check_moved(step->slot, i, &was, (uintptr_t)at, was.size < size ? was.size : size);
    if (size > was.size)
        shadow_check_zero(step->slot, i, was.size, size, zero_style(step, size - was.size));
    shadow_fill(step->slot, step);
}

static void cut(int i)
{
    const struct step *step = &g_common->steps[i];
    struct block was = g_blocks[step->slot];
    size_t size = in_pages(step->size);
    if (was.origin != ORIGIN_MAPPING || size == 0 || size >= was.size)
        return;
    shadow_check(step->slot, i);
    shadow_leave(step->slot);
    errno = UNTOUCHED;
    if (munmap((void *)(was.addr + size), was.size - size) != 0)
        fail(FAULT_REFUSED, i, 0, (uint64_t)errno);
    expect_errno(i, UNTOUCHED);
    settle(i, ORIGIN_MAPPING, was.addr, size, PAGE);
    shadow_check_moved(step->slot, i, &was, was.addr, size);
    shadow_fill(step->slot, step);
}

static void check(int i)
{
    const struct step *step = &g_common->steps[i];
    if (g_blocks[step->slot].origin == ORIGIN_NONE)
        return;
    shadow_check(step->slot, i);
    shadow_fill(step->slot, step);
}

void perform(int step)
{
    switch ((enum step_kind)g_common->steps[step].kind) {
    case STEP_REALLOC:
    case STEP_REALLOCARRAY:
        resize_block(step);
        break;
    case STEP_FREE:
        free_block(step);
        break;
    case STEP_USABLE:
        ask_usable(step);
        break;
    case STEP_MAP:
        map(step);
        break;
    case STEP_UNMAP:
        unmap(step);
        break;
    case STEP_REMAP:
        remap(step);
        break;
    case STEP_CUT:
        cut(step);
        break;
    case STEP_CHECK:
        check(step);
        break;
    case STEP_TRIM:
        malloc_trim(0);
        break;
    default:
        make_block(step);
        break;
    }
}
