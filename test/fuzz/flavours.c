#include "generate.h"

#include <string.h>

#define KNOB(name, value) "HAKMEM_PAGE_ARENA_" name "=" value

const struct flavour g_flavours[] = {
    {"default", 0, 10, 10, false, {KNOB("THP", "never")}},
    {"guard", 0, 10, 10, false, {KNOB("GUARD", "1"), KNOB("THP", "never")}},
    {"tiny",
     0,
     10,
     10,
     false,
     {KNOB("HOT_SIZE", "64"), KNOB("WARM_64K", "16"), KNOB("WARM_128K", "8"), KNOB("WARM_2M", "4"),
      KNOB("REGION", "64M"), KNOB("MAX_SPAN", "256K"), KNOB("DECAY_MS", "5")}},
    {"thp", 1, 10, 300, false, {KNOB("THP", "always")}},
    {"threads", 0, 0, 10, true, {KNOB("THP", "never")}},
    {"fork", 0, 200, 10, false, {KNOB("THP", "never")}},
    {"big", 2, 5, 50, false, {KNOB("MAX_SPAN", "16M"), KNOB("DECAY_MS", "100")}},
    {NULL, 0, 0, 0, false, {NULL}},
};

const struct flavour *flavour_find(const char *name)
{
    for (const struct flavour *flavour = g_flavours; flavour->name != NULL; flavour++)
        if (strcmp(flavour->name, name) == 0)
            return flavour;
    return NULL;
}
