#include "huge.h"

#include <sys/mman.h>

#include "config.h"
#include "os.h"
#include "region.h"

/*
 * Waste is what is resident and was never used, in units of 64 KB: so many a superblock. A sample is
 * one page out of each unit, another one in each, since programs like round distances.
 */
#define UNITS 32
#define UNIT_PAGES (SUPER_PAGES / UNITS)

/* In all there may be 4 MB of it, or a twentieth of what is huge and in use. */
#define WASTE_MOST ((size_t)64)
#define WASTE_SHARE 20

/*
 * What one counts for that is new, and the others of the same request; and one that was not touched
 * since: it may be used as a whole, or in a few places.
 */
#define WASTE_NEW 8
#define WASTE_UNTOUCHED 16

/* One of which seven eighths are used is not looked into again: that takes 30 us. */
#define WASTE_LITTLE (UNITS / 8)

/*
 * What is small for sure: so many superblocks at the bottom, and all as long as the last of them that
 * were looked into hold less than this.
 */
#define SMALL_LEAST 2
#define SMALL_LOOKS 4
#define SHOWN_PAGES ((size_t)192)

/* From HUGE on: plus the waste. */
enum { UNDECIDED, SMALL, HUGE };

/* By superblock; NULL: all are alike. */
static uint8_t *states;

/* What all of the region is under, but for huge superblocks and those that were; 0: nothing. */
static int advice;

/* By superblock: whether advice has passed over odd pages in it, which may be plain by now. */
static bool *mixed;

static size_t nhuge;
static size_t waste;

/* Which was made huge last. */
static size_t last;

/* Whether small ones were found in use: the program uses memory. */
static bool shown;

/*
 * Where the system gives huge pages to everybody, it would give them to small programs, too, and the
 * region is under MADV_NOHUGEPAGE. Elsewhere it is under no advice, as a fresh mapping is, which so
 * merges with its neighbours at once.
 */
void huge_init(void)
{
    enum os_huge_pages offer = os_huge_pages();
    if (g_config.thp == THP_ALWAYS)
        advice = MADV_HUGEPAGE;
    else if (offer == OS_HUGE_TO_ALL)
        advice = MADV_NOHUGEPAGE;
    if (advice != 0 && !os_advise(region_addr(0), g_region.nbytes, advice))
        advice = 0;
    if (offer == OS_HUGE_NONE || g_config.thp != THP_AUTO || g_config.guard != 0)
        return;
    states = os_map_table(2 * (g_region.nbytes / SUPER_BYTES));
    if (states != NULL)
        mixed = (bool *)(states + g_region.nbytes / SUPER_BYTES);
}

static unsigned read_state(size_t super)
{
    return __atomic_load_n(&states[super], __ATOMIC_RELAXED);
}

/* False: somebody else has changed it. */
static bool change_state(size_t super, unsigned from, unsigned to)
{
    uint8_t expected = (uint8_t)from;
    size_t less = from >= HUGE ? from - HUGE : 0;
    size_t more = to >= HUGE ? to - HUGE : 0;
    if (!__atomic_compare_exchange_n(&states[super], &expected, (uint8_t)to, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return false;
    __atomic_fetch_add(&waste, more - less, __ATOMIC_RELAXED);
    __atomic_fetch_add(&nhuge, (size_t)(to >= HUGE) - (size_t)(from >= HUGE), __ATOMIC_RELAXED);
    return true;
}

/* What the program has changed is left alone: it may be a part of one mapping, across the border. */
static bool advise_plain(size_t super, int advice_now)
{
    struct run run = {super * SUPER_PAGES, 0};
    size_t end = run.first + SUPER_PAGES;
    __atomic_store_n(&mixed[super], page_map_any(PAGE_ODD, run.first, SUPER_PAGES),
                     __ATOMIC_RELAXED);
    bool all = true;
    while ((run = page_map_next(PAGE_ODD, false, run.first + run.npages, end)).npages != 0)
        all &= os_advise(region_addr(run.first), run.npages * PAGE_BYTES, advice_now);
    return all;
}

static size_t resident_pages(size_t super)
{
    unsigned char residency[SUPER_PAGES];
    size_t nresident = 0;
    if (!os_resident(region_addr(super * SUPER_PAGES), SUPER_PAGES, residency))
        return 0;
    for (size_t i = 0; i < SUPER_PAGES; i++)
        nresident += residency[i] & 1;
    return nresident;
}

/* All of a huge page is resident: what was never touched reads as zero. */
static bool is_used(size_t page)
{
    static uint64_t words[PAGE_BYTES / sizeof(uint64_t)];
    static bool busy;
    bool any = false;
    if (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        return false;
    if (os_copy_in(words, region_addr(page), PAGE_BYTES))
        for (size_t i = 0; i < sizeof words / sizeof *words && !any; i++)
            any = words[i] != 0;
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return any;
}

/*
 * Notes the waste in a superblock that had some. One that is not resident has not been touched, and
 * one that is in part has no huge page: the kernel had none.
 */
static void look_into(size_t super)
{
    unsigned state = read_state(super);
    if (state <= HUGE + WASTE_LITTLE)
        return;
    size_t nresident = resident_pages(super);
    unsigned unused = nresident == 0 ? WASTE_UNTOUCHED : 0;
    for (size_t unit = 0; unit < UNITS && nresident == SUPER_PAGES; unit++)
        unused += !is_used(super * SUPER_PAGES + unit * UNIT_PAGES + unit * 5 % UNIT_PAGES);
    if (nresident != 0 || state < HUGE + unused)
        change_state(super, state, HUGE + unused);
}

/* The one that was made huge last, and one of the others in turn. */
static void look_around(void)
{
    static size_t turn;
    size_t nsupers = region_used_pages() / SUPER_PAGES;
    size_t super = __atomic_load_n(&turn, __ATOMIC_RELAXED);
    look_into(min_size(__atomic_load_n(&last, __ATOMIC_RELAXED), nsupers - 1));
    for (size_t i = 0; i < nsupers; i++) {
        super = super + 1 < nsupers ? super + 1 : 0;
        if (read_state(super) > HUGE + WASTE_LITTLE)
            break;
    }
    look_into(super);
    __atomic_store_n(&turn, super, __ATOMIC_RELAXED);
}

static bool has_shown(size_t super)
{
    size_t nresident = 0;
    if (__atomic_load_n(&shown, __ATOMIC_RELAXED))
        return true;
    if (super < SMALL_LEAST)
        return false;
    for (size_t i = 1; i <= SMALL_LOOKS && i <= super; i++)
        nresident += resident_pages(super - i);
    if (nresident >= SHOWN_PAGES)
        __atomic_store_n(&shown, true, __ATOMIC_RELAXED);
    return nresident >= SHOWN_PAGES;
}

static bool may_waste(unsigned more)
{
    size_t now = __atomic_load_n(&waste, __ATOMIC_RELAXED);
    size_t used = __atomic_load_n(&nhuge, __ATOMIC_RELAXED) * UNITS - now;
    return now + more <= max_size(used / WASTE_SHARE, WASTE_MOST);
}

/* Whoever comes meanwhile takes it for small. */
static void decide(size_t super, unsigned expected_waste)
{
    if (!change_state(super, UNDECIDED, SMALL) || !has_shown(super))
        return;
    look_around();
    if (!may_waste(expected_waste))
        return;
    /* Where a page is lost the kernel refuses after it has done the rest. */
    if (!advise_plain(super, MADV_HUGEPAGE))
        advise_plain(super, MADV_NOHUGEPAGE);
    else if (change_state(super, SMALL, HUGE + expected_waste))
        __atomic_store_n(&last, super, __ATOMIC_RELAXED);
}

void huge_prepare(size_t first, size_t npages)
{
    unsigned expected_waste = WASTE_NEW;
    if (states == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++) {
        if (likely(read_state(super) != UNDECIDED))
            continue;
        decide(super, expected_waste);
        expected_waste = UNITS;
    }
}

void huge_decline(size_t first, size_t npages)
{
    if (states == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        change_state(super, UNDECIDED, SMALL);
}

/* A huge one so that the kernel does not put another huge page there. */
static void end_state(size_t super, unsigned to)
{
    unsigned from = read_state(super);
    if (from >= HUGE)
        advise_plain(super, MADV_NOHUGEPAGE);
    change_state(super, from, to);
}

void huge_split(size_t first, size_t npages)
{
    size_t end = first + npages;
    if (states == NULL)
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < end; super++) {
        bool whole = super * SUPER_PAGES >= first && (super + 1) * SUPER_PAGES <= end;
        if (!whole && read_state(super) >= HUGE)
            end_state(super, SMALL);
    }
}

void huge_purged(size_t first, size_t npages)
{
    if (states == NULL)
        return;
    huge_split(first, npages);
    size_t super = align_up(first, SUPER_PAGES) / SUPER_PAGES;
    for (; (super + 1) * SUPER_PAGES <= first + npages; super++)
        if (read_state(super) != UNDECIDED)
            end_state(super, UNDECIDED);
}

void huge_advise(size_t first, size_t npages)
{
    size_t end = first + npages;
    if (advice != 0)
        os_advise(region_addr(first), npages * PAGE_BYTES, advice);
    for (size_t next; states != NULL && first < end; first = next) {
        size_t super = first / SUPER_PAGES;
        next = min_size((super + 1) * SUPER_PAGES, end);
        if (read_state(super) >= HUGE)
            os_advise(region_addr(first), (next - first) * PAGE_BYTES, MADV_HUGEPAGE);
    }
}

bool huge_replace(size_t first, size_t npages, bool accessible)
{
    if (!os_replace(region_addr(first), npages * PAGE_BYTES, accessible))
        return false;
    huge_advise(first, npages);
    return true;
}

/* Whether all of it is under the same advice. */
static bool is_alike(size_t first, size_t npages)
{
    bool huge = read_state(first / SUPER_PAGES) >= HUGE;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        if ((read_state(super) >= HUGE) != huge || __atomic_load_n(&mixed[super], __ATOMIC_RELAXED))
            return false;
    return true;
}

void huge_follow(size_t first, size_t npages)
{
    if (states != NULL && !is_alike(first, npages))
        huge_advise(first, npages);
}

void huge_join(size_t first, size_t npages)
{
    if (states == NULL || is_alike(first, npages))
        return;
    for (size_t super = first / SUPER_PAGES; super * SUPER_PAGES < first + npages; super++)
        if (read_state(super) >= HUGE)
            end_state(super, SMALL);
    os_advise(region_addr(first), npages * PAGE_BYTES, MADV_NOHUGEPAGE);
}
