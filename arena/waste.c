#include "waste.h"

#include "os.h"
#include "region.h"

#define UNIT_PAGES (SUPER_PAGES / WASTE_UNITS)

/* What is read of each page at first. */
#define PIECE_BYTES (PAGE_BYTES / 16)

/* What is read into is too much for a stack: so many threads can look at the same time. */
#define LOOKERS 16
static uint64_t buffers[LOOKERS][WASTE_UNITS * PIECE_BYTES / sizeof(uint64_t)] SELDOM;
static bool busy[LOOKERS];

_Static_assert(WASTE_UNITS <= OS_GATHER_MOST, "a piece of each page in one call");
_Static_assert(sizeof *buffers >= PAGE_BYTES, "room for all of one page");

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

/* How many of these pages read as zero, or cannot be read. All of a page is read where a piece of it is zero. */
static size_t count_unused(uint64_t *buffer, const char *pages[WASTE_UNITS], size_t npages)
{
    size_t nread = os_gather(buffer, pages, npages, PIECE_BYTES);
    size_t nleft = 0;
    size_t nunused = 0;
    for (size_t i = 0; i < npages; i++)
        if (i >= nread || bytes_are_zero(buffer + i * PIECE_BYTES / sizeof *buffer, PIECE_BYTES))
            pages[nleft++] = pages[i];
    for (size_t i = 0; i < nleft; i++)
        nunused +=
            os_gather(buffer, &pages[i], 1, PAGE_BYTES) == 0 || bytes_are_zero(buffer, PAGE_BYTES);
    return nunused;
}

size_t waste_resident(size_t super)
{
    unsigned char residency[SUPER_PAGES];
    return ask(super, residency);
}

/* Which page stands for a unit: any, since programs like round distances. */
static size_t sample(size_t super, size_t unit)
{
    uint32_t mixed = (uint32_t)(super * WASTE_UNITS + unit + 1) * 0x9E3779B1u;
    mixed = (mixed ^ mixed >> 15) * 0x85EBCA6Bu;
    return unit * UNIT_PAGES + (mixed >> 16) % UNIT_PAGES;
}

bool waste_look(size_t super, size_t *nresident, unsigned *unused)
{
    unsigned char residency[SUPER_PAGES];
    const char *pages[WASTE_UNITS];
    size_t npages = 0;
    *nresident = ask(super, residency);
    for (size_t unit = 0; unit < WASTE_UNITS && *nresident != 0; unit++) {
        size_t page = sample(super, unit);
        if ((residency[page] & 1) != 0)
            pages[npages++] = region_addr(super * SUPER_PAGES + page);
    }
    size_t looker = 0;
    while (__atomic_exchange_n(&busy[looker], true, __ATOMIC_ACQUIRE))
        if (++looker == LOOKERS)
            return false;
    *unused = (unsigned)count_unused(buffers[looker], pages, npages);
    __atomic_store_n(&busy[looker], false, __ATOMIC_RELEASE);
    return true;
}

void waste_forget(void)
{
    for (size_t i = 0; i < LOOKERS; i++)
        __atomic_store_n(&busy[i], false, __ATOMIC_RELAXED);
}
