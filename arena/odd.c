#include "odd.h"

#include <sys/mman.h>

#include "os.h"
#include "region.h"

static const enum page_bit marks[] = {PAGE_TORN,    PAGE_PROTECTED, PAGE_NO_FORK,
                                      PAGE_ADVISED, PAGE_SEALED,    PAGE_LENT};
#define NMARKS (sizeof marks / sizeof *marks)

const void **g_odd_calm;

bool odd_init(void)
{
    g_odd_calm =
        os_map_table(align_up(g_region.nbytes / SUPER_BYTES * sizeof *g_odd_calm, PAGE_BYTES));
    return g_odd_calm != NULL;
}

void odd_mark(enum page_bit how, size_t first, size_t npages)
{
    odd_expect(first, npages);
    page_map_set(how, first, npages);
    page_map_set(PAGE_ODD, first, npages);
}

void odd_unmark(enum page_bit how, size_t first, size_t npages)
{
    for (size_t from = first, end = first + npages; from < end;) {
        uint64_t mask;
        size_t page = page_step(&from, end, &mask);
        uint64_t left = 0;
        page_word_take(how, page, mask);
        for (size_t i = 0; i < NMARKS; i++)
            left |= page_word_read(marks[i], page);
        page_word_take(PAGE_ODD, page, mask & ~left);
    }
}

bool odd_is_uniform(size_t first, size_t npages)
{
    if (!page_map_any(PAGE_ODD, first, npages))
        return true;
    for (size_t i = 0; i < NMARKS; i++) {
        size_t count = page_map_count(marks[i], first, npages);
        if (marks[i] != PAGE_LENT && count != 0 && count != npages)
            return false;
    }
    return true;
}

void odd_forget(size_t first, size_t npages)
{
    for (size_t i = 0; i < NMARKS; i++)
        page_map_clear(marks[i], first, npages);
    page_map_clear(PAGE_RESERVED, first, npages);
    page_map_clear(PAGE_ODD, first, npages);
}

bool odd_undo(size_t first, size_t npages)
{
    static const struct {
        enum page_bit how;
        int advice;
    } inverses[] = {
        {PAGE_NO_FORK, MADV_DOFORK}, {PAGE_ADVISED, MADV_DODUMP}, {PAGE_ADVISED, MADV_KEEPONFORK}};
    void *addr = region_addr(first);
    size_t nbytes = npages * PAGE_BYTES;
    if (page_map_any(PAGE_TORN, first, npages) || page_map_any(PAGE_LENT, first, npages))
        return false;
    if (page_map_any(PAGE_PROTECTED, first, npages) && !os_commit(addr, nbytes))
        return false;
    for (size_t i = 0; i < sizeof inverses / sizeof *inverses; i++)
        if (page_map_any(inverses[i].how, first, npages) &&
            !os_advise(addr, nbytes, inverses[i].advice))
            return false;
    if (page_map_any(PAGE_ADVISED, first, npages))
        os_name(addr, nbytes);
    return true;
}
