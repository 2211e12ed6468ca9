#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "next.h"
#include "route.h"

/*
 * The malloc family. Blocks of MALLOC_MIN to MAX_SPAN bytes are ours, as far as the arena can serve
 * them; all others are those of the next malloc in line. Alignments, sizes and errors that are not
 * ours to judge go there too.
 *
 * A block is ours if it lies in the region and is one there: the next malloc may have its memory from
 * the region, too, by mmap(2).
 */

/* Large blocks for which the next malloc has no memory: it may be the arena that has it. */
#define RELIEVED_LEAST (64 * KIB)

/* Sizes taken: least to least + span - 1. None while the front is off. Smaller than `plain`: passed on. */
static size_t least = SIZE_MAX;
static size_t span;
static size_t plain = RELIEVED_LEAST;

static inline bool takes(size_t nbytes)
{
    return nbytes - least < span;
}

/*
 * glibc joins its small free blocks with their neighbours only when a large block comes or goes. It
 * does not see those any more, so one is asked for and freed after ours of this size: when the next is
 * allocated, since to free one in a signal handler is harmless with glibc.
 */
#define STIR_BYTES 2048
static size_t stir_least = SIZE_MAX;

/* As `span`; 0 while one is due. */
static size_t calm_span;

/* Whether glibc's thresholds were set. */
static bool calmed;

/* The heap top is not to be given back and taken again all the time, within what may be retained. */
#define GLIBC_KEEPS ((int)MIB)

/* Where glibc's own thresholds end when it adapts them: what is set no longer adapts. */
#define GLIBC_MAPS_FROM ((int)(32 * MIB))

static bool is_glibc_tuned(void)
{
    const char *tunables = secure_getenv("GLIBC_TUNABLES");
    return secure_getenv("MALLOC_TRIM_THRESHOLD_") != NULL ||
           secure_getenv("MALLOC_TOP_PAD_") != NULL ||
           (tunables != NULL && strstr(tunables, "glibc.malloc.") != NULL);
}

/* Whoever has glibc look for errors wants its blocks. */
static bool is_debugged(void)
{
    const char *tunables = secure_getenv("GLIBC_TUNABLES");
    const char *preloads = secure_getenv("LD_PRELOAD");
    return secure_getenv("MALLOC_PERTURB_") != NULL || secure_getenv("MALLOC_CHECK_") != NULL ||
           (tunables != NULL && (strstr(tunables, "glibc.malloc.perturb") != NULL ||
                                 strstr(tunables, "glibc.malloc.check") != NULL)) ||
           (preloads != NULL && strstr(preloads, "malloc_debug") != NULL);
}

/* The linker's: where this library starts and ends. dladdr(3) would search all of its symbols for that. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/*
 * Not where a program brings a malloc of its own, in itself or as a library that it is linked with:
 * redis-server gives blocks of malloc to sdallocx of jemalloc.
 */
static bool is_defined_here(const char *name)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    const char *found = dlsym(RTLD_DEFAULT, name);
    if (found >= __ehdr_start && found < _end)
        return true;
    /* A program at a fixed address has stubs of what it imports, which stand for the function. */
    return found != NULL && dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 &&
           symbol != NULL && symbol->st_shndx == SHN_UNDEF;
}

static bool may_act(void)
{
    static const char *const names[] = {
        "malloc",        "free",           "calloc", "realloc", "memalign",
        "aligned_alloc", "posix_memalign", "valloc", "pvalloc", "malloc_usable_size"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!is_defined_here(names[i]))
            return false;
    return next_is_glibc() || next_is_preloaded();
}

bool heap_start(void)
{
    if (g_config.malloc == 0 || is_debugged() || !may_act())
        return false;
    if (next_is_glibc())
        stir_least = 64 * KIB;
    calmed = next_is_glibc() && !is_glibc_tuned();
    if (calmed) {
        mallopt(M_TRIM_THRESHOLD, GLIBC_KEEPS);
        mallopt(M_TOP_PAD, (int)(MIB / 4));
    }
    size_t most = g_config.max_span;
    least = g_config.malloc_min;
    plain = min_size(least, RELIEVED_LEAST);
    span = most >= least ? most - least + 1 : 0;
    calm_span = span;
    return true;
}

void heap_stop(void)
{
    span = 0;
    calm_span = 0;
    if (!calmed)
        return;
    mallopt(M_MMAP_THRESHOLD, GLIBC_MAPS_FROM);
    mallopt(M_TRIM_THRESHOLD, 2 * GLIBC_MAPS_FROM);
}

static void stir(void)
{
    int before = errno;
    __atomic_store_n(&calm_span, span, __ATOMIC_RELAXED);
    next.free(next.malloc(STIR_BYTES));
    errno = before;
}

static void *block(size_t nbytes, size_t alignment, bool zero)
{
    if (unlikely(__atomic_load_n(&calm_span, __ATOMIC_RELAXED) == 0))
        stir();
    return g_route_max != 0 ? space_block(nbytes, alignment, zero) : NULL;
}

static void *or_relieved(void *p, size_t nbytes, void *(*again)(size_t, size_t), size_t argument)
{
    int before = errno;
    if (likely(p != NULL) || nbytes < RELIEVED_LEAST || errno != ENOMEM || nbytes > PTRDIFF_MAX ||
        !space_relieve())
        return p;
    p = again(argument, nbytes);
    if (p != NULL)
        errno = before;
    return p;
}

static void *malloc_again(size_t unused, size_t nbytes)
{
    (void)unused;
    return next.malloc(nbytes);
}

static inline void *or_next(void *served, size_t nbytes)
{
    return likely(served != NULL) ? served
                                  : or_relieved(next.malloc(nbytes), nbytes, malloc_again, 0);
}

static __attribute__((noinline)) void *large_malloc(size_t nbytes)
{
    return or_next(takes(nbytes) ? block(nbytes, 1, false) : NULL, nbytes);
}

static __attribute__((noinline)) void *our_malloc(size_t nbytes)
{
    bool usual = nbytes - least < __atomic_load_n(&calm_span, __ATOMIC_RELAXED);
    void *served = likely(usual) ? space_block_usual(nbytes) : NULL;
    return likely(served != NULL) ? served : large_malloc(nbytes);
}

EXPORT void *malloc(size_t nbytes)
{
    return likely(nbytes < plain) ? next.malloc(nbytes) : our_malloc(nbytes);
}

/* The size of a block of ours; 0: it is another's. */
static inline size_t our_bytes(const void *p)
{
    return unlikely(region_owns((uintptr_t)p)) ? space_block_bytes(p) : 0;
}

static inline void stir_after(size_t nbytes)
{
    if (nbytes >= stir_least)
        __atomic_store_n(&calm_span, 0, __ATOMIC_RELAXED);
}

/* A block of ours, or of the next malloc, if that has its memory from the region. */
static __attribute__((noinline)) void free_otherwise(void *p)
{
    size_t nbytes = likely(space_holds_block(p)) ? space_block_free(p) : 0;
    stir_after(nbytes);
    if (nbytes == 0)
        next.free(p);
}

static __attribute__((noinline)) void free_in_region(void *p)
{
    size_t nbytes = space_block_keep(p);
    if (likely(nbytes != 0))
        stir_after(nbytes);
    else
        free_otherwise(p);
}

EXPORT void free(void *p)
{
    if (unlikely(region_owns((uintptr_t)p)))
        free_in_region(p);
    else
        next.free(p);
}

EXPORT void free_sized(void *p, size_t nbytes);
EXPORT void free_sized(void *p, size_t nbytes)
{
    (void)nbytes;
    free(p);
}

EXPORT void free_aligned_sized(void *p, size_t alignment, size_t nbytes);
EXPORT void free_aligned_sized(void *p, size_t alignment, size_t nbytes)
{
    (void)alignment;
    (void)nbytes;
    free(p);
}

static __attribute__((noinline)) void *large_calloc(size_t nbytes)
{
    void *served = takes(nbytes) ? block(nbytes, 1, true) : NULL;
    return served != NULL ? served : or_relieved(next.calloc(1, nbytes), nbytes, next.calloc, 1);
}

EXPORT void *calloc(size_t count, size_t size)
{
    size_t nbytes;
    if (unlikely(__builtin_mul_overflow(count, size, &nbytes)) || likely(nbytes < plain))
        return next.calloc(count, size);
    return large_calloc(nbytes);
}

/* A block of another allocator, to ours if it grows into what we take. */
static void *adopt(void *p, size_t nbytes)
{
    size_t had = next.malloc_usable_size(p);
    void *served = had < nbytes ? block(nbytes, 1, false) : NULL;
    if (served == NULL)
        return next.realloc(p, nbytes);
    memcpy(served, p, had);
    next.free(p);
    return served;
}

/* What has to move in order to grow gets so much room to grow on: addresses, as yet untouched. */
#define ROOM_SHARE 8

EXPORT void *realloc(void *p, size_t nbytes)
{
    if (p == NULL)
        return malloc(nbytes);
    size_t had = our_bytes(p);
    if (likely(had == 0))
        return unlikely(takes(nbytes)) ? adopt(p, nbytes) : next.realloc(p, nbytes);
    if (nbytes == 0) {
        free(p);
        return NULL;
    }
    bool fits = takes(nbytes);
    bool grows = nbytes > had;
    if (fits && ((!grows && had - nbytes <= had / ROOM_SHARE) || space_block_resize(p, nbytes)))
        return p;
    size_t room = grows && takes(nbytes + nbytes / ROOM_SHARE) ? nbytes / ROOM_SHARE : 0;
    void *moved = fits && g_route_max != 0 ? space_block_move(p, nbytes + room) : NULL;
    if (moved != NULL)
        return moved;
    moved = malloc(nbytes);
    if (moved == NULL)
        return nbytes <= had && space_block_resize(p, nbytes) ? p : NULL;
    memcpy(moved, p, min_size(had, nbytes));
    free(p);
    return moved;
}

EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
    size_t nbytes;
    if (__builtin_mul_overflow(count, size, &nbytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, nbytes);
}

/* NULL: not for us. */
static void *aligned_block(size_t alignment, size_t nbytes)
{
    return takes(nbytes) && is_power_of_two(alignment) && alignment <= g_config.max_span
               ? block(nbytes, alignment, false)
               : NULL;
}

EXPORT void *memalign(size_t alignment, size_t nbytes)
{
    void *served = aligned_block(alignment, nbytes);
    return served != NULL
               ? served
               : or_relieved(next.memalign(alignment, nbytes), nbytes, next.memalign, alignment);
}

EXPORT void *aligned_alloc(size_t alignment, size_t nbytes)
{
    void *served = aligned_block(alignment, nbytes);
    return served != NULL ? served : next.aligned_alloc(alignment, nbytes);
}

EXPORT int posix_memalign(void **to, size_t alignment, size_t nbytes)
{
    void *served = alignment % sizeof(void *) == 0 ? aligned_block(alignment, nbytes) : NULL;
    if (served == NULL)
        return next.posix_memalign(to, alignment, nbytes);
    *to = served;
    return 0;
}

EXPORT void *valloc(size_t nbytes)
{
    void *served = aligned_block(PAGE_BYTES, nbytes);
    return served != NULL ? served : next.valloc(nbytes);
}

EXPORT void *pvalloc(size_t nbytes)
{
    void *served = aligned_block(PAGE_BYTES, nbytes);
    return served != NULL ? served : next.pvalloc(nbytes);
}

EXPORT size_t malloc_usable_size(void *p)
{
    size_t nbytes = our_bytes(p);
    return nbytes != 0 ? nbytes : next.malloc_usable_size(p);
}

EXPORT int malloc_trim(size_t pad)
{
    bool gave = span != 0 && space_relieve();
    return next.malloc_trim(pad) != 0 || gave;
}
