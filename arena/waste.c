#include "waste.h"

#include "os.h"
#include "region.h"

#define UNIT_PAGES (SUPER_PAGES / WASTE_UNITS)

/* What is read of each page at a time. */
#define PIECE_BYTES (PAGE_BYTES / 16)
#define PIECE_WORDS (PIECE_BYTES / sizeof(uint64_t))

/* What is read into is too much for a stack: so many threads can look at the same time. */
#define LOOKERS 16
static uint64_t pieces[LOOKERS][WASTE_UNITS][PIECE_WORDS] SELDOM;
static bool busy[LOOKERS];

_Static_assert(WASTE_UNITS <= OS_GATHER_MOST, "a piece of each page in one call");

/* Fills in SUPER_PAGES bytes. */
static size_t ask(size_t super, unsigned char *residency)
{
    size_t nresident = 0;
    if (!os_resident(region_addr(super * SUPER_PAGES), SUPER_PAGES, residency))
        return 0;
    for (size_t i = 0; i < SUPER_PAGES; i++)
        nresident += residency[i] & 1;
    return nresident;
}

static bool is_zero(const uint64_t *words)
{
    uint64_t any = 0;
    for (size_t i = 0; i < PIECE_WORDS; i++)
        any |= words[i];
    return any == 0;
}

/* How many of these pages read as zero, or cannot be read. */
static size_t count_unused(size_t looker, const char *pages[WASTE_UNITS], size_t npages)
{
    size_t nunread = 0;
    for (size_t done = 0; done < PAGE_BYTES && npages != 0;) {
        size_t left = 0;
        size_t nread = os_gather(pieces[looker], pages, npages, PIECE_BYTES);
        if (nread < npages) {
            pages[nread] = pages[--npages];
            nunread++;
            continue;
        }
        for (size_t i = 0; i < npages; i++)
            if (is_zero(pieces[looker][i]))
                pages[left++] = pages[i] + PIECE_BYTES;
        npages = left;
        done += PIECE_BYTES;
    }
    return npages + nunread;
}

size_t waste_resident(size_t super)
{
    unsigned char residency[SUPER_PAGES];
    return ask(super, residency);
}

/* Another page in each unit, since programs like round distances. */
bool waste_look(size_t super, size_t *nresident, unsigned *unused)
{
    unsigned char residency[SUPER_PAGES];
    const char *pages[WASTE_UNITS];
    size_t npages = 0;
    *nresident = ask(super, residency);
    for (size_t unit = 0; unit < WASTE_UNITS && *nresident != 0; unit++) {
        size_t page = unit * UNIT_PAGES + unit * 5 % UNIT_PAGES;
        if ((residency[page] & 1) != 0)
            pages[npages++] = region_addr(super * SUPER_PAGES + page);
    }
    size_t looker = 0;
    while (__atomic_exchange_n(&busy[looker], true, __ATOMIC_ACQUIRE))
        if (++looker == LOOKERS)
            return false;
    *unused = (unsigned)count_unused(looker, pages, npages);
    __atomic_store_n(&busy[looker], false, __ATOMIC_RELEASE);
    return true;
}

void waste_forget(void)
{
    for (size_t i = 0; i < LOOKERS; i++)
        __atomic_store_n(&busy[i], false, __ATOMIC_RELAXED);
}
