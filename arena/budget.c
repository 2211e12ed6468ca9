#include "budget.h"

#include "config.h"

struct account {
    size_t npages;
    size_t left;
};

static struct account accounts[] = {
    {1, 0}, {SPAN_64K_PAGES, 0}, {SPAN_128K_PAGES, 0}, {SPAN_2M_PAGES, 0}};
#define NACCOUNTS (sizeof accounts / sizeof *accounts)

void budget_init(void)
{
    accounts[0].left = g_config.hot_size;
    accounts[1].left = g_config.warm_64k;
    accounts[2].left = g_config.warm_128k;
    accounts[3].left = g_config.warm_2m;
}

static struct account *find(size_t npages)
{
    for (size_t i = 0; i < NACCOUNTS; i++)
        if (accounts[i].npages == npages)
            return &accounts[i];
    return NULL;
}

size_t budget_grant(size_t npages, size_t wanted)
{
    struct account *account = find(npages);
    size_t left = __atomic_load_n(&account->left, __ATOMIC_RELAXED);
    size_t granted;
    do
        granted = min_size(wanted, left);
    while (granted != 0 && !__atomic_compare_exchange_n(&account->left, &left, left - granted, true,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return granted;
}

void budget_return(size_t npages, size_t granted)
{
    __atomic_fetch_add(&find(npages)->left, granted, __ATOMIC_RELAXED);
}

size_t budget_region_pages(void)
{
    size_t npages = 0;
    for (size_t i = 0; i < NACCOUNTS; i++)
        npages += accounts[i].npages * __atomic_load_n(&accounts[i].left, __ATOMIC_RELAXED);
    return npages;
}
