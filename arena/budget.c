#include "budget.h"

#include "config.h"

/* For spans of so many pages; what is left is in pages. */
struct account {
    size_t npages;
    size_t left;
};

static struct account accounts[] = {
    {1, 0}, {SPAN_64K_PAGES, 0}, {SPAN_128K_PAGES, 0}, {SPAN_2M_PAGES, 0}};
#define NACCOUNTS (sizeof accounts / sizeof *accounts)

/* What the knobs allow, in pages. */
static size_t all;

/* In pages; less than that where the process may not use much memory. */
static size_t limit = SIZE_MAX;

static size_t left_in_all(void)
{
    size_t npages = 0;
    for (size_t i = 0; i < NACCOUNTS; i++)
        npages += __atomic_load_n(&accounts[i].left, __ATOMIC_RELAXED);
    return npages;
}

void budget_init(void)
{
    const size_t entries[NACCOUNTS] = {g_config.hot_size, g_config.warm_64k, g_config.warm_128k,
                                       g_config.warm_2m};
    for (size_t i = 0; i < NACCOUNTS; i++)
        accounts[i].left = g_config.decay_ms != 0 ? entries[i] * accounts[i].npages : 0;
    all = left_in_all();
}

void budget_limit(size_t npages)
{
    __atomic_store_n(&limit, npages, __ATOMIC_RELAXED);
}

/* Short runs share that of single pages. */
static struct account *find(size_t npages)
{
    size_t i = NACCOUNTS - 1;
    while (accounts[i].npages > npages)
        i--;
    invariant(accounts[i].npages == npages || i == 0);
    return &accounts[i];
}

/* What the limit leaves: to grants, or to the region. */
static size_t left_of_limit(void)
{
    size_t most = min_size(__atomic_load_n(&limit, __ATOMIC_RELAXED), all);
    size_t granted = all - min_size(left_in_all(), all);
    return most > granted ? most - granted : 0;
}

static size_t take(struct account *account, size_t unit, size_t wanted)
{
    size_t left = __atomic_load_n(&account->left, __ATOMIC_RELAXED);
    size_t granted;
    wanted = min_size(wanted, left_of_limit() / unit);
    do
        granted = min_size(wanted, left / unit);
    while (granted != 0 &&
           !__atomic_compare_exchange_n(&account->left, &left, left - granted * unit, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return granted;
}

size_t budget_grant(size_t npages, size_t wanted)
{
    return take(find(npages), npages, wanted);
}

void budget_return(size_t npages, size_t granted)
{
    __atomic_fetch_add(&find(npages)->left, granted * npages, __ATOMIC_RELAXED);
}

bool budget_grant_pages(size_t npages)
{
    return take(find(SPAN_2M_PAGES), npages, 1) != 0;
}

void budget_return_pages(size_t npages)
{
    __atomic_fetch_add(&find(SPAN_2M_PAGES)->left, npages, __ATOMIC_RELAXED);
}

size_t budget_region_pages(void)
{
    return left_of_limit();
}
