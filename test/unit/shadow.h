/*
 * A model of the region's pages, contents included: what a program that has mapped and unmapped
 * them knows of them.
 */
#ifndef SHADOW_H
#define SHADOW_H

#include "config.h"
#include "region.h"

#define SHADOW_PAGES (GIB / PAGE_BYTES)

/* Every page, its content as unit_fill's tag. One that is not live has no other property. */
struct shadow_page {
    bool live;
    bool read_only;
    bool odd;
    uint16_t tag;
};
extern struct shadow_page g_shadow[SHADOW_PAGES];

/* All live pages are below `end`. */
struct shadow_totals {
    size_t live;
    size_t odd;
    size_t end;
};
extern struct shadow_totals g_shadow_totals;

/* Pages become live, zero and writable; or they are gone. */
void shadow_map(struct run run, bool odd);
void shadow_unmap(struct run run);

/* Live pages are not plain any more. */
void shadow_mark_odd(struct run run);

bool shadow_is_any_live(struct run run);

/* Whether memory holds what was written to it. */
bool shadow_has_content(size_t page);

/* Writes another content to a page, if that can be written to. */
void shadow_write(size_t page, uint16_t tag);

/*
 * Checks that the page map says of every page one thing, and the thing that the model says, that
 * all live pages have their content, and that the figures of region and budget fit: `budget` is
 * what the region may retain where no stack has been granted anything.
 */
void shadow_check_all(size_t budget);

#endif
