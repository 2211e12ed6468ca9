#include "plan.h"

#include <string.h>

#define KNOB(name, value) "HAKMEM_PAGE_ARENA_" name "=" value
#define SMALLEST                                                                                   \
    KNOB("HOT_SIZE", "64"), KNOB("WARM_64K", "16"), KNOB("WARM_128K", "8"), KNOB("WARM_2M", "4")

/* With those: what caches and chunks may keep, and glibc's heap. */
#define RETAINED ((size_t)24 << 20)

const struct plan g_plans[] = {
    {"default", {0}, 1, 1, false, 0, false, {NULL}},
    {"guard", {0}, 1, 1, false, 0, false, {KNOB("GUARD", "1")}},
    {"tiny",
     {256 << 10, 0},
     1,
     1,
     false,
     0,
     false,
     {SMALLEST, KNOB("REGION", "64M"), KNOB("MAX_SPAN", "256K"), KNOB("DECAY_MS", "5")}},
    {"min4k", {4 << 10, 0}, 1, 1, false, 0, false, {KNOB("MALLOC_MIN", "4K")}},
    {"threads", {0}, 4, 2, false, 0, false, {KNOB("DECAY_MS", "20")}},
    {"fork", {0}, 1, 100, false, 0, false, {NULL}},
    {"scarce",
     {4 << 10, 128 << 10},
     1,
     1,
     false,
     RETAINED,
     false,
     {SMALLEST, KNOB("MALLOC_MIN", "4K")}},
    {"handover",
     {64 << 10, 128 << 10},
     2,
     1,
     true,
     RETAINED,
     false,
     {SMALLEST, KNOB("MALLOC_MIN", "4K")}},
    {"off", {0}, 4, 20, false, 0, true, {NULL}},
    {NULL, {0}, 0, 0, false, 0, false, {NULL}},
};

const struct plan *plan_find(const char *name)
{
    for (const struct plan *plan = g_plans; plan->name != NULL; plan++)
        if (strcmp(plan->name, name) == 0)
            return plan;
    return NULL;
}
