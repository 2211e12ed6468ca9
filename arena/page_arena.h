/*
 * PageArena: a page-level memory cache for authors of allocators.
 *
 * Memory goes out in runs of whole 4 KB pages that read as zero, and what comes back is kept for
 * the next request, in layers:
 *
 *     hot page cache (4 KB) -> warm span cache (64 KB, 128 KB, 2 MB) -> region (any size) -> mmap
 *
 * Every thread has a PageArena of its own, made on its first use and given back at its exit: pass
 * NULL (or g_page_arena) for it. An arena made by page_arena_init is used by one thread at a time.
 * Memory may be freed through another arena than it came from, and in part: any pages of it, in any
 * order. How much is retained is bounded for the process by the knobs (see README.md).
 *
 * Sizes are bytes and are rounded up to pages. Powers of two from 64 KB come naturally aligned.
 * Nothing here sets errno or prints, except page_arena_print_stats. No function may be called from
 * a signal handler that interrupted another one on the same arena, except on the thread's own.
 *
 * Threads call the library as they end, so its code must not be unloaded before: what is loaded with
 * dlopen(3) and has libpagearena.a in it is to be linked with -Wl,-z,nodelete.
 */
#ifndef PAGE_ARENA_H
#define PAGE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PAGE_ARENA_API __attribute__((visibility("default")))

/* A bounded LIFO of addresses. Counters are read at any time, written by the owner. */
typedef struct PageStack {
    void **entries;
    size_t capacity; /* entries there is room for */
    size_t quota;    /* entries it may hold now; at most capacity */
    size_t count;
    size_t least; /* of count, since it was last set to that */
    uint64_t hits;
    uint64_t misses;
    uint64_t frees;
    uint64_t evictions;
} PageStack;

/* 4 KB pages. */
typedef struct HotPageCache {
    PageStack pages;
} HotPageCache;

/* Spans of 64 KB, 128 KB and 2 MB, in this order. */
#define WARM_SIZES 3
typedef struct WarmSpanCache {
    PageStack spans[WARM_SIZES];
} WarmSpanCache;

/* Runs of 2 to 15 pages, in this order; of each so many as 64 pages are. Private to router.c. */
#define SHORT_SIZES 14
#define SHORT_PAGES 64
typedef struct ShortRunCache {
    PageStack runs[SHORT_SIZES];
    void *entries[SHORT_SIZES][SHORT_PAGES / 2];
} ShortRunCache;

/*
 * How densely spans of up to 32 pages were used: how many of that size may still be taken as
 * touched throughout, without asking the kernel.
 */
typedef struct PageDensity {
    unsigned char unasked[33];
} PageDensity;

/* Memory for blocks of malloc, in units of 512 bytes. Private to chunk.c, quick.h, unit_block.c and block.c. */
#define CHUNK_BINS 256
typedef struct BlockHeap {
    uint32_t
        bins[CHUNK_BINS]; /* free runs of 1 unit and up; the last bin has all longer ones, too */
    uint64_t filled[CHUNK_BINS / 64];
    uint32_t quick[CHUNK_BINS + 1]; /* runs of that many units, see quick.h */
    uint64_t quick_filled[CHUNK_BINS / 64 + 2];
    size_t nquick;      /* units of those */
    int64_t quick_most; /* so many may be */
    size_t nmissed;     /* units that no quick list had since some were joined */
    size_t nfree;       /* units in the bins */
    size_t nunused;     /* those of them that were never in use */
    uint64_t nout;      /* units taken less those put back; below 0 it wraps around */
    int64_t nused_most; /* of that less nquick, the most since the last decay */
    size_t granted;     /* units that may be kept */
    size_t ngiven;      /* about how many pages of its chunks went to the region */
    uint32_t whole;     /* a chunk that is free as a whole */
    uint32_t reserve;   /* the end of one, in no bin yet */
    uint32_t prev_of_none;
    /* As in PageDensity, for large blocks by the logarithm of their number of pages. */
    unsigned char unasked[32];
    /* Others write what follows: blocks that they have freed, as a list, and their units, about. */
    char apart[60];
    uint32_t remote;
    uint32_t nremote;
} BlockHeap;

typedef struct PageArena PageArena;
struct PageArena {
    HotPageCache hot;
    WarmSpanCache warm;
    ShortRunCache shorts;
    uint64_t total_allocs;
    uint64_t total_frees;
    uint64_t mmap_calls;  /* requests that went to the kernel in the end */
    uint64_t bytes_out;   /* handed out, ever */
    uint64_t unit_blocks; /* blocks of malloc in chunks, handed out ever */
    /* Private to thread.c. */
    int busy;
    bool is_thread_own;
    int thread_id;       /* with BACKGROUND=1, of whom it is; 0: of nobody */
    uint32_t until_look; /* calls; decay.c reads it, too */
    size_t next_short;   /* private to router.c: in the arena's own group; 0: has none yet */
    /* Private to decay.c. */
    uint32_t period;
    uint64_t emptied;    /* the period, and until_look */
    PageDensity density; /* private to zero.c */
    BlockHeap blocks;
    PageArena *next;
    PageArena *next_spare;
};

/* The calling thread's own arena; NULL before its first use. */
extern __thread PageArena *g_page_arena;

/*
 * Caches alone: containers that never call the kernel after init and never touch what they hold.
 * init clamps the capacity to 64..4096 and rounds it up to a power of two; false: no memory.
 * shutdown forgets what is still held; drain it with hot_page_alloc before, to release it.
 * alloc returns the page put in last, or NULL: a miss.
 * free keeps the page and returns NULL, or, when full, returns what the caller must release.
 */
PAGE_ARENA_API bool hot_page_cache_init(HotPageCache *cache, size_t capacity);
PAGE_ARENA_API void hot_page_cache_shutdown(HotPageCache *cache);
PAGE_ARENA_API void *hot_page_alloc(HotPageCache *cache);
PAGE_ARENA_API void *hot_page_free(HotPageCache *cache, void *page);

/*
 * The same for spans; size is in bytes. A size other than 64 KB, 128 KB and 2 MB is a miss that is
 * not counted, and is never kept. Capacities are clamped to 16..1024, 8..512 and 4..256.
 */
PAGE_ARENA_API bool warm_span_cache_init(WarmSpanCache *cache, size_t cap_64k, size_t cap_128k,
                                         size_t cap_2m);
PAGE_ARENA_API void warm_span_cache_shutdown(WarmSpanCache *cache);
PAGE_ARENA_API void *warm_span_alloc(WarmSpanCache *cache, size_t size);
PAGE_ARENA_API void *warm_span_free(WarmSpanCache *cache, void *span, size_t size);

/* Makes an arena; false: no memory. shutdown gives back all it has cached. */
PAGE_ARENA_API bool page_arena_init(PageArena *arena);
PAGE_ARENA_API void page_arena_shutdown(PageArena *arena);

/*
 * size bytes (rounded up to pages) that read as zero, page-aligned or aligned to `alignment`, a
 * power of two. The caller owns them until it frees them. NULL: size is 0 or too large, alignment
 * is not a power of two, or there is no memory.
 */
PAGE_ARENA_API void *page_arena_alloc_pages(PageArena *arena, size_t size);
PAGE_ARENA_API void *page_arena_alloc_aligned(PageArena *arena, size_t size, size_t alignment);

/* Frees the pages of [ptr, ptr + size). ptr is page-aligned; NULL is ignored. */
PAGE_ARENA_API void page_arena_free_pages(PageArena *arena, void *ptr, size_t size);
PAGE_ARENA_API void page_arena_free_aligned(PageArena *arena, void *ptr, size_t size);

/*
 * Gives all that the process retains back to the kernel, but for what other threads keep for blocks
 * of malloc.
 */
PAGE_ARENA_API void page_arena_purge(void);

/* `key value` lines on stderr: of one arena, or of the whole process where arena is NULL. */
PAGE_ARENA_API void page_arena_print_stats(const PageArena *arena);

/* What the environment says (HAKMEM_PAGE_ARENA_ENABLE, ..._HOT_SIZE, and so on). */
PAGE_ARENA_API bool page_arena_enabled(void);
PAGE_ARENA_API size_t page_arena_hot_size(void);
PAGE_ARENA_API size_t page_arena_warm_64k_size(void);
PAGE_ARENA_API size_t page_arena_warm_128k_size(void);
PAGE_ARENA_API size_t page_arena_warm_2m_size(void);

#ifdef __cplusplus
}
#endif

#endif
