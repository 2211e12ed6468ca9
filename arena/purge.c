#include "purge.h"

#include "budget.h"
#include "os.h"
#include "region.h"
#include "zero.h"

/*
 * What goes beyond the excess, so that this is not done for every few pages: an eighth of what may stay. It is no more
 * than 4 MB where the program takes other memory while it has enough: it needs what is free, too, soon.
 */
#define BEYOND_SHIFT 3
#define BEYOND_MOST ((size_t)1024)

/* Purges free dirty pages until at most npages are left, or as many as can be had. */
static void purge_to(size_t npages)
{
    struct run runs[OS_RANGES_MOST];
    size_t dirty;
    while ((dirty = region_dirty_pages()) > npages) {
        size_t count = region_take_dirty(runs, OS_RANGES_MOST, dirty - npages);
        bool purged = zero_purge_runs(runs, count);
        region_put_purged(runs, count);
        if (!purged)
            break;
    }
}

static size_t slack;

void purge_allow(size_t npages)
{
    __atomic_store_n(&slack, npages, __ATOMIC_RELAXED);
}

void purge_excess(void)
{
    size_t budget = budget_region_pages();
    size_t headroom = region_headroom_pages(__atomic_load_n(&slack, __ATOMIC_RELAXED));
    size_t most = min_size(budget, headroom);
    if (unlikely(region_dirty_pages() > most))
        purge_to(most - min_size(most >> BEYOND_SHIFT, headroom < budget ? BEYOND_MOST : SIZE_MAX));
}

void purge_some(size_t npages)
{
    size_t dirty = region_dirty_pages();
    purge_to(dirty > npages ? dirty - npages : 0);
}

void purge_all(void)
{
    purge_to(0);
}

void purge_everything(void)
{
    region_free_cached(0, region_used_pages());
    purge_all();
}
