#include "background.h"

#include <unistd.h>

#include "purge.h"
#include "region.h"
#include "space.h"
#include "thread.h"
#include "unit.h"

/* The fewest calls that leave something to decay. */
static void come_and_go(size_t index)
{
    if (index == 0)
        background_start();
    void *span = space_map(2 * MIB);
    if (span == NULL)
        return;
    unit_fill(span, 2 * MIB, index);
    space_unmap(range_of(span, 2 * MIB));
    usleep((unsigned)index * 100);
}

/* With the last thread that had an arena all goes back, and the thread that looks at the clock is gone. */
static void threads_come_and_go(void)
{
    unit_start("REGION=512M BACKGROUND=1 DECAY_MS=100");
    for (size_t i = 0, end = unit_steps(30); i < end; i++) {
        unit_threads(4, come_and_go);
        CHECK(!thread_any_lives());
        CHECK_EQUAL(region_dirty_pages(), 0);
        CHECK_EQUAL(page_map_count(PAGE_FREE, 0, region_used_pages()), region_used_pages());
    }
}

static void child(void)
{
    come_and_go(1);
    CHECK(thread_any_lives());
}

static void children_begin_anew(void)
{
    unit_start("REGION=512M BACKGROUND=1 DECAY_MS=100");
    background_start();
    for (int i = 0; i < 10; i++) {
        come_and_go(1);
        CHECK(thread_any_lives());
        unit_child(child);
    }
}

UNIT_MAIN(UNIT_CASE(threads_come_and_go), UNIT_CASE(children_begin_anew))
