/*
 * Words and sizes that every module shares.
 *
 * A page is 4 KB. A group is 64 pages (256 KB): one bit of a word each. A superblock is 512 pages
 * (2 MB), the size of a huge page. Pages are named by their index in the region, from 0.
 */
#ifndef DEFS_H
#define DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES ((size_t)1 << PAGE_SHIFT)
#define GROUP_ORDER 6
#define GROUP_PAGES (1 << GROUP_ORDER)
#define SUPER_PAGES 512
#define SUPER_BYTES (SUPER_PAGES * PAGE_BYTES)
#define SUPER_GROUPS (SUPER_PAGES / GROUP_PAGES)

/* Page counts of the warm spans. */
#define SPAN_64K_PAGES 16
#define SPAN_128K_PAGES 32
#define SPAN_2M_PAGES 512

/* "No such page", where a function returns a page index. */
#define NO_PAGE SIZE_MAX

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* A run of pages. npages == 0 says "none". */
struct run {
    size_t first;
    size_t npages;
};

static inline size_t pages_for(size_t nbytes)
{
    return (nbytes >> PAGE_SHIFT) + ((nbytes & (PAGE_BYTES - 1)) != 0);
}

/* Alignments are powers of two. */
static inline size_t align_up(size_t n, size_t alignment)
{
    return (n + alignment - 1) & ~(alignment - 1);
}

static inline size_t align_down(size_t n, size_t alignment)
{
    return n & ~(alignment - 1);
}

static inline bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The baseline x86-64 has no instruction for it, and the compiler would call a function. */
static inline size_t bits_set(uint64_t word)
{
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return word * 0x0101010101010101 >> 56;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Whether so many bytes, of whole words, are zero. */
static inline bool bytes_are_zero(const void *addr, size_t nbytes)
{
    const uint64_t *words = addr;
    uint64_t any = 0;
    for (size_t i = 0; i < nbytes / sizeof *words; i++)
        any |= words[i];
    return any == 0;
}

/* yes ? a : b where nobody can foretell which: without a branch. */
static inline size_t choose_size(bool yes, size_t a, size_t b)
{
    return b ^ ((a ^ b) & -(size_t)yes);
}

/* Powers of two from 64 KB up come aligned to their size: the logarithm of that, in pages. */
static inline unsigned natural_order(size_t npages)
{
    return npages >= SPAN_64K_PAGES && is_power_of_two(npages) ? (unsigned)__builtin_ctzl(npages)
                                                               : 0;
}

/*
 * Large variables that most processes never touch: behind the others, which are in one or two pages
 * then. Each page that is touched is a fault.
 */
#define SELDOM __attribute__((section(".bss.seldom")))

/* HAKMEM_BUILD_RELEASE=0 builds check their invariants; a broken one ends the process. */
#ifndef HAKMEM_BUILD_RELEASE
#define HAKMEM_BUILD_RELEASE 1
#endif
#if HAKMEM_BUILD_RELEASE
#define invariant(x) ((void)sizeof(x))
#else
#define invariant(x) ((x) ? (void)0 : invariant_broken(#x, __FILE__, __LINE__))
#endif
void invariant_broken(const char *what, const char *file, int line) __attribute__((noreturn, cold));

/*
 * Counters have one writer, the thread that owns them, and are read by any thread that prints
 * them: one instruction, never torn.
 */
static inline void count_add(uint64_t *counter, uint64_t n)
{
    __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
}

static inline uint64_t count_read(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
