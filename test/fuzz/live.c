#include "live.h"

#include <string.h>

#define RANGES_MOST (2 * VIEW_MOST)

/* Sorted, disjoint; neighbours may touch. */
static struct {
    uintptr_t start;
    uintptr_t end;
} ranges[RANGES_MOST];
static int nranges;

/* The first range that ends above `addr`. */
static int find(uintptr_t addr)
{
    int low = 0;
    int high = nranges;
    while (low < high) {
        int middle = (low + high) / 2;
        if (ranges[middle].end <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(int at, uintptr_t start, uintptr_t end)
{
    if (nranges == RANGES_MOST)
        return;
    memmove(&ranges[at + 1], &ranges[at], (size_t)(nranges - at) * sizeof *ranges);
    nranges++;
    ranges[at].start = start;
    ranges[at].end = end;
}

static void erase(int from, int to)
{
    memmove(&ranges[from], &ranges[to], (size_t)(nranges - to) * sizeof *ranges);
    nranges -= to - from;
}

void live_remove(uintptr_t start, uintptr_t end)
{
    /* Threads touch what they have mapped, and nothing else. */
    if (g_shared->threads || start >= end)
        return;
    int i = find(start);
    if (i == nranges || ranges[i].start >= end)
        return;
    if (ranges[i].start < start) {
        insert(i, ranges[i].start, start);
        ranges[++i].start = start;
    }
    int last = i;
    while (last < nranges && ranges[last].end <= end)
        last++;
    if (last < nranges && ranges[last].start < end)
        ranges[last].start = end;
    erase(i, last);
}

void live_add(uintptr_t start, uintptr_t end)
{
    if (g_shared->threads || start >= end)
        return;
    live_remove(start, end);
    int i = find(start);
    if (i > 0 && ranges[i - 1].end == start)
        ranges[i - 1].end = end;
    else
        insert(i, start, end);
}

bool live_has(uintptr_t page)
{
    if (g_shared->threads)
        return true;
    int i = find(page);
    return i < nranges && ranges[i].start <= page;
}

void live_set(const struct interval *view, int count)
{
    nranges = 0;
    for (int i = 0; i < count; i++)
        live_add(view[i].start, view[i].end);
}
