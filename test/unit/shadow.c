#include "shadow.h"

#include "budget.h"
#include "page_arena.h"
#include "unit.h"

struct shadow_page g_shadow[SHADOW_PAGES];
struct shadow_totals g_shadow_totals;

void shadow_map(struct run run, bool odd)
{
    for (size_t page = run.first; page < run.first + run.npages; page++) {
        struct shadow_page *shadow = &g_shadow[page];
        g_shadow_totals.live += !shadow->live;
        *shadow = (struct shadow_page){.live = true, .odd = shadow->odd};
    }
    g_shadow_totals.end = max_size(g_shadow_totals.end, run.first + run.npages);
    if (odd)
        shadow_mark_odd(run);
}

void shadow_unmap(struct run run)
{
    for (size_t page = run.first; page < run.first + run.npages; page++) {
        g_shadow_totals.live -= g_shadow[page].live;
        g_shadow_totals.odd -= g_shadow[page].odd;
        g_shadow[page] = (struct shadow_page){0};
    }
}

void shadow_mark_odd(struct run run)
{
    for (size_t page = run.first; page < run.first + run.npages; page++) {
        g_shadow_totals.odd += g_shadow[page].live && !g_shadow[page].odd;
        g_shadow[page].odd |= g_shadow[page].live;
    }
}

bool shadow_is_any_live(struct run run)
{
    for (size_t page = run.first; page < run.first + run.npages; page++)
        if (g_shadow[page].live)
            return true;
    return false;
}

bool shadow_has_content(size_t page)
{
    return unit_filled(region_addr(page), PAGE_BYTES, g_shadow[page].tag);
}

void shadow_write(size_t page, uint16_t tag)
{
    if (!g_shadow[page].live || g_shadow[page].read_only)
        return;
    CHECK(shadow_has_content(page));
    g_shadow[page].tag = tag;
    unit_fill(region_addr(page), PAGE_BYTES, tag);
}

static void check_contents(void)
{
    for (size_t page = 0; page < g_shadow_totals.end; page++)
        CHECK(!g_shadow[page].live || shadow_has_content(page));
}

static void check_states(size_t npages)
{
    size_t ndirty = 0;
    for (size_t page = 0; page < npages; page += GROUP_PAGES) {
        uint64_t free = page_word_read(PAGE_FREE, page);
        uint64_t live = page_word_read(PAGE_LIVE, page);
        uint64_t cached = page_word_read(PAGE_CACHED, page);
        uint64_t deferred = page_word_read(PAGE_DEFERRED, page);
        CHECK_EQUAL(free & live, 0);
        CHECK_EQUAL((free | live) & cached, 0);
        CHECK_EQUAL((free | live | cached) & deferred, 0);
        CHECK_EQUAL(page_word_read(PAGE_CLAIMED, page), 0);
        ndirty += (size_t)__builtin_popcountl(free & page_word_read(PAGE_DIRTY, page));
        for (size_t i = 0; i < GROUP_PAGES; i++) {
            CHECK_EQUAL(live >> i & 1, g_shadow[page + i].live);
            CHECK(!g_shadow[page + i].odd || page_map_any(PAGE_ODD, page + i, 1));
        }
    }
    CHECK_EQUAL(region_dirty_pages(), ndirty);
    CHECK_EQUAL(page_map_next_in_flight(0, region_used_pages()).npages, 0);
}

static void add_stack(const PageStack *stack, size_t npages, size_t *listed, size_t *granted)
{
    CHECK(stack->count <= stack->quota && stack->quota <= stack->capacity);
    *listed += stack->count * npages;
    *granted += stack->quota * npages;
}

static void check_budget(size_t npages, size_t budget)
{
    size_t listed = 0;
    size_t granted = 0;
    add_stack(&g_page_arena->hot.pages, 1, &listed, &granted);
    add_stack(&g_page_arena->warm.spans[0], SPAN_64K_PAGES, &listed, &granted);
    add_stack(&g_page_arena->warm.spans[1], SPAN_128K_PAGES, &listed, &granted);
    add_stack(&g_page_arena->warm.spans[2], SPAN_2M_PAGES, &listed, &granted);
    for (size_t i = 0; i < SHORT_SIZES; i++)
        add_stack(&g_page_arena->shorts.runs[i], i + 2, &listed, &granted);
    CHECK(page_map_count(PAGE_CACHED, 0, npages) <= listed);
    CHECK_EQUAL(granted + budget_region_pages(), budget);
}

void shadow_check_all(size_t budget)
{
    size_t npages = g_region.nbytes / PAGE_BYTES;
    check_contents();
    check_states(npages);
    check_budget(npages, budget);
}
