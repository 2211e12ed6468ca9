/*
 * Odd pages: what the program has done to pages that stays on them, and how it is undone.
 *
 *     protected   another protection than read-write               mprotect back, contents kept
 *     no fork     MADV_DONTFORK                                    its inverse, contents kept
 *     advised     MADV_DONTDUMP, MADV_WIPEONFORK, a name           all inverses, contents kept
 *     lent        the kernel goes on using the page (vmsplice),    a fresh mapping in its place
 *                 or has marked it alone (MADV_GUARD_INSTALL)
 *     torn        anything else: locks, policies, other advice,    the same
 *                 mapped over
 *     sealed      mseal(2): torn, and the kernel lets nobody unmap it
 *
 * A page is odd while any of these bits is set. Marks are set before the system call that they
 * stand for, so that a page may be marked and yet plain, never the other way round.
 */
#ifndef ODD_H
#define ODD_H

#include "page_map.h"

/*
 * By superblock, for whoever asks often: to whom all of it was handed out, if the program has changed or
 * unmapped nothing in it since. NULL: nobody asks.
 */
extern const void **g_odd_calm;

/* Makes the table. False: no memory. */
bool odd_init(void);

/* Before any of these pages is changed or unmapped: their superblocks are calm no more. */
static inline void odd_expect(size_t first, size_t npages)
{
    invariant(npages != 0);
    if (g_odd_calm == NULL)
        return;
    for (size_t i = first / SUPER_PAGES; i <= (first + npages - 1) / SUPER_PAGES; i++)
        if (unlikely(__atomic_load_n(&g_odd_calm[i], __ATOMIC_RELAXED) != NULL))
            __atomic_store_n(&g_odd_calm[i], NULL, __ATOMIC_RELAXED);
}

/* All of a superblock was handed out; and it passes to another. */
static inline void odd_calm(size_t super, const void *whose)
{
    __atomic_store_n(&g_odd_calm[super], whose, __ATOMIC_RELAXED);
}

static inline void odd_pass_calm(size_t super, const void *from, const void *to)
{
    __atomic_compare_exchange_n(&g_odd_calm[super], &from, to, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

static inline bool odd_is_calm(size_t super, const void *whose)
{
    return __atomic_load_n(&g_odd_calm[super], __ATOMIC_RELAXED) == whose;
}

/* Marks pages; `how` is one of PAGE_TORN to PAGE_LENT. */
void odd_mark(enum page_bit how, size_t first, size_t npages);

/* Takes one mark off; pages without any other are plain again. */
void odd_unmark(enum page_bit how, size_t first, size_t npages);

/* Whether the program has left these pages as they were handed out. */
static inline bool odd_is_plain(size_t first, size_t npages)
{
    size_t end = first + npages;
    uint64_t mask, plain;
    do {
        size_t page = page_step(&first, end, &mask);
        plain = page_word_read(PAGE_LIVE, page) & ~page_word_read(PAGE_ODD, page);
    } while (likely((plain & mask) == mask) && unlikely(first < end));
    return (plain & mask) == mask;
}

/* Whether all pages are marked alike, lent or not: one mapping to the program, as far as we know. */
bool odd_is_uniform(size_t first, size_t npages);

/* Takes all marks off, the reserved one too. */
void odd_forget(size_t first, size_t npages);

/*
 * Asks the kernel to undo what was done to pages in flight. The marks stay. False: that cannot be
 * done, or the kernel refused; the pages must be replaced.
 */
bool odd_undo(size_t first, size_t npages);

#endif
