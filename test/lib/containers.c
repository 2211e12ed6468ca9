/*
 * The caches of <page_arena.h> alone, as containers of somebody else's pages and spans: no arena is
 * started, no region is reserved, and the caller releases what finds no room. Prints `ok`.
 */
#include <page_arena.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define KB ((size_t)1024)

static size_t nmapped;

static void check(int condition, const char *what)
{
    if (condition)
        return;
    printf("not ok: %s\n", what);
    exit(1);
}

static void *get(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED, "mmap");
    nmapped++;
    return memory;
}

static void put(void *memory, size_t size)
{
    check(munmap(memory, size) == 0, "munmap");
    nmapped--;
}

static void pages(void)
{
    HotPageCache cache;
    void *page;
    check(hot_page_cache_init(&cache, 100), "init");
    for (int i = 0; i < 1000; i++) {
        page = hot_page_alloc(&cache);
        page = page != NULL ? page : get(4 * KB);
        memset(page, i, 4 * KB);
        page = hot_page_free(&cache, page);
        check(page == NULL, "room for a page");
    }
    check(cache.pages.hits == 999 && cache.pages.misses == 1, "one page serves all");
    for (int i = 0; i < 200; i++)
        if ((page = hot_page_free(&cache, get(4 * KB))) != NULL)
            put(page, 4 * KB);
    check(cache.pages.evictions == 200 - 127 && nmapped == 128, "full at 128 pages");
    while ((page = hot_page_alloc(&cache)) != NULL)
        put(page, 4 * KB);
    hot_page_cache_shutdown(&cache);
    check(nmapped == 0, "all pages given back");
}

static void spans(void)
{
    static const size_t sizes[] = {64 * KB, 128 * KB, 2048 * KB, 100 * KB};
    static const size_t room[] = {16, 8, 4, 0};
    WarmSpanCache cache;
    void *span;
    check(warm_span_cache_init(&cache, 16, 8, 4), "init");
    for (int size = 0; size < 4; size++) {
        for (int i = 0; i < 30; i++)
            if ((span = warm_span_free(&cache, get(sizes[size]), sizes[size])) != NULL)
                put(span, sizes[size]);
        check(nmapped == room[size], "bounded by size");
        while ((span = warm_span_alloc(&cache, sizes[size])) != NULL)
            put(span, sizes[size]);
        check(nmapped == 0, "all spans given back");
    }
    warm_span_cache_shutdown(&cache);
}

static int has_arena(void)
{
    char line[512];
    unsigned long start;
    unsigned long end;
    int found = g_page_arena != NULL;
    FILE *maps = fopen("/proc/self/maps", "r");
    check(maps != NULL, "/proc/self/maps");
    while (fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && end - start >= 64UL << 20 &&
            strstr(line, "---p") != NULL)
            found = 1;
    fclose(maps);
    return found;
}

int main(void)
{
    pages();
    spans();
    check(!has_arena(), "no arena was started");
    check(page_arena_alloc_pages(NULL, 4 * KB) != NULL && has_arena(), "one would be seen");
    printf("ok\n");
    return 0;
}
