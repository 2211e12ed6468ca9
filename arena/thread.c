#include "thread.h"

#include <pthread.h>

#include "background.h"
#include "block.h"
#include "block_tag.h"
#include "config.h"
#include "decay.h"
#include "huge.h"
#include "lock.h"
#include "odd.h"
#include "os.h"
#include "purge.h"
#include "region.h"
#include "router.h"
#include "trace.h"

__thread PageArena *g_page_arena;

/* What a thread has that is being given an arena, cannot have one, or has given it back: busy for ever. */
static PageArena turned_away SELDOM;
_Static_assert(THREAD_BUSY == 0, "busy as it is");

/* How many calls from one look to the next, and what is done besides. */
#define LOOK_CALLS 64
static void (*on_look)(void);

static pthread_key_t exit_key;
static bool started;

/* With BACKGROUND=1: threads that have an arena. */
static int nthreads;

/* All arenas, and the threads' own that wait for a thread; under registry_lock. */
static struct lock registry_lock;
static PageArena *registry;
static PageArena *spare;

/*
 * In a forked child: whether the take-over is still to be done, and the arena of the one thread
 * that there is then. Until it is done, every thread comes through thread_enter_slowly, and while
 * one does it the others go without an arena.
 */
enum take_over { TAKE_OVER_DONE, TAKE_OVER_PENDING, TAKE_OVER_NOW };
static int take_over;
static PageArena *survivor;

/* What the forking thread holds, and the state its arena had; forks nest in signal handlers. */
static __thread struct {
    unsigned char depth;
    unsigned char state;
    bool no_arena;
    bool holds;
} at_fork;

bool thread_register(PageArena *arena)
{
    if (!lock_acquire(&registry_lock))
        return false;
    arena->next = registry;
    registry = arena;
    lock_release(&registry_lock);
    return true;
}

bool thread_unregister(PageArena *arena)
{
    if (!lock_acquire(&registry_lock))
        return false;
    PageArena **link = &registry;
    while (*link != NULL && *link != arena)
        link = &(*link)->next;
    if (*link != NULL)
        *link = arena->next;
    lock_release(&registry_lock);
    return true;
}

bool thread_each_arena(void (*visit)(const PageArena *arena, void *context), void *context,
                       bool wait)
{
    if (!(wait ? lock_acquire(&registry_lock) : lock_try(&registry_lock)))
        return false;
    for (const PageArena *arena = registry; arena != NULL; arena = arena->next)
        visit(arena, context);
    lock_release(&registry_lock);
    return true;
}

void thread_look_with(void (*look)(void))
{
    on_look = look;
    if (g_page_arena != NULL)
        __atomic_store_n(&g_page_arena->until_look, 1, __ATOMIC_RELAXED);
}

void thread_look(PageArena *arena)
{
    __atomic_store_n(&arena->until_look, LOOK_CALLS, __ATOMIC_RELAXED);
    decay_check(arena);
    if (on_look != NULL)
        on_look();
}

static void look_for_life(const PageArena *arena, void *context)
{
    bool *found = context;
    int id = __atomic_load_n(&arena->thread_id, __ATOMIC_RELAXED);
    if (!*found && id != 0)
        *found = os_thread_lives(id);
}

bool thread_any_lives(void)
{
    bool found = false;
    return !thread_each_arena(look_for_life, &found, true) || found;
}

static void count_in(PageArena *arena)
{
    if (!background_is_wanted())
        return;
    __atomic_store_n(&arena->thread_id, (int)os_thread_id(), __ATOMIC_RELAXED);
    __atomic_fetch_add(&nthreads, 1, __ATOMIC_RELAXED);
}

/* With the last nobody would look at the clock for what is left. */
static void count_out(PageArena *arena)
{
    if (arena->thread_id == 0)
        return;
    __atomic_store_n(&arena->thread_id, 0, __ATOMIC_RELAXED);
    if (__atomic_sub_fetch(&nthreads, 1, __ATOMIC_RELAXED) != 0)
        return;
    background_stop();
    purge_all();
}

static PageArena *take_spare(void)
{
    if (!lock_acquire(&registry_lock))
        return NULL;
    PageArena *arena = spare;
    if (arena != NULL)
        spare = arena->next_spare;
    lock_release(&registry_lock);
    return arena;
}

static void put_spare(PageArena *arena)
{
    if (!lock_acquire(&registry_lock))
        return;
    arena->next_spare = spare;
    spare = arena;
    lock_release(&registry_lock);
}

static PageArena *make_arena(void)
{
    PageArena *arena = os_map_table(sizeof *arena);
    if (arena == NULL)
        return NULL;
    if (router_init_arena(arena)) {
        arena->is_thread_own = true;
        if (thread_register(arena))
            return arena;
        router_fini_arena(arena);
    }
    os_unmap(arena, sizeof *arena);
    return NULL;
}

/* The mark may be older than what remap_file_pages(2) has put in the place of such a page. */
static bool is_here_after_all(size_t page)
{
    unsigned char residency;
    return page_map_any(PAGE_TORN, page, 1) && os_resident(region_addr(page), 1, &residency);
}

/*
 * What was under MADV_DONTFORK is not in this process: the program has it unmapped. But its blocks of
 * malloc it still frees: then they are replaced.
 */
static void free_unforked(void)
{
    size_t end = region_used_pages();
    struct run run = {0, 0};
    while ((run = page_map_next(PAGE_NO_FORK, true, run.first + run.npages, end)).npages != 0) {
        size_t block_end = block_end_before(run.first);
        for (size_t page = run.first; page < run.first + run.npages; page++) {
            block_end = max_size(block_end, block_end_at(page));
            if (is_here_after_all(page))
                odd_unmark(PAGE_NO_FORK, page, 1);
            else if (page >= block_end)
                router_free_live(NULL, page, 1);
        }
    }
}

/*
 * Nobody else has an arena now but the survivor, which may be at work only if it forked in a signal
 * handler at the very start of that. Those of threads that are gone become spare.
 */
static void take_over_after_fork(bool is_survivor)
{
    region_adopt_in_flight();
    free_unforked();
    spare = NULL;
    for (PageArena *arena = registry; arena != NULL; arena = arena->next) {
        if (!arena->is_thread_own || (arena == survivor && !is_survivor))
            continue;
        if (arena == survivor)
            block_flush(arena);
        else
            block_abandon(arena, arena->busy != THREAD_BUSY);
        router_flush(arena);
        if (arena != survivor) {
            arena->busy = THREAD_IDLE;
            arena->thread_id = 0;
            put_spare(arena);
        }
    }
    purge_all();
}

/* False: another thread of the child is at it. */
static bool settle_after_fork(bool is_survivor)
{
    int pending = TAKE_OVER_PENDING;
    if (__atomic_compare_exchange_n(&take_over, &pending, TAKE_OVER_NOW, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE)) {
        take_over_after_fork(is_survivor);
        __atomic_store_n(&take_over, TAKE_OVER_DONE, __ATOMIC_RELEASE);
        return true;
    }
    return pending == TAKE_OVER_DONE;
}

static PageArena *attach(void)
{
    PageArena *arena = take_spare();
    if (arena == NULL)
        arena = make_arena();
    if (arena == NULL)
        return NULL;
    arena->busy = THREAD_BUSY;
    __atomic_store_n(&arena->until_look, on_look != NULL ? 1 : LOOK_CALLS, __ATOMIC_RELAXED);
    g_page_arena = arena;
    if (pthread_setspecific(exit_key, arena) != 0) {
        g_page_arena = &turned_away;
        put_spare(arena);
        return NULL;
    }
    count_in(arena);
    return arena;
}

PageArena *thread_enter_slowly(void)
{
    PageArena *arena = g_page_arena;
    if (!started || (arena != NULL && arena->busy != THREAD_FORKED))
        return NULL;
    g_page_arena = &turned_away;
    if (!settle_after_fork(arena != NULL)) {
        g_page_arena = arena;
        return NULL;
    }
    if (arena == NULL)
        return attach();
    arena->busy = THREAD_BUSY;
    count_in(arena);
    g_page_arena = arena;
    return arena;
}

/*
 * Ours is the oldest key: what the destructors of others free comes in between the first round and the
 * second. A thread that has left the library by longjmp, in the midst of something, is still busy.
 */
static void on_thread_exit(void *value)
{
    static __thread bool again;
    PageArena *arena = value;
    bool intact = arena->busy == THREAD_IDLE;
    if (intact && !again) {
        again = true;
        if (pthread_setspecific(exit_key, arena) == 0)
            return;
    }
    g_page_arena = &turned_away;
    __atomic_store_n(&arena->busy, THREAD_BUSY, __ATOMIC_SEQ_CST);
    if (g_trace)
        trace(arena, TRACE_THREAD_EXIT, 0, 0);
    block_abandon(arena, intact);
    router_flush(arena);
    arena->busy = THREAD_IDLE;
    count_out(arena);
    put_spare(arena);
}

/*
 * Until the end of fork(2) the thread is busy: nothing that other handlers do waits for its locks.
 * A thread that is inside the library already (it runs a signal handler) may hold one of them, and
 * takes none. Only the outermost of nested forks acts.
 */
static void before_fork(void)
{
    PageArena *arena = g_page_arena;
    if (at_fork.depth++ != 0)
        return;
    at_fork.no_arena = arena == NULL;
    at_fork.state = arena == NULL ? THREAD_IDLE : (unsigned char)arena->busy;
    at_fork.holds = false;
    if (at_fork.state == THREAD_BUSY)
        return;
    if (arena == NULL)
        g_page_arena = &turned_away;
    else
        arena->busy = THREAD_BUSY;
    at_fork.holds = lock_acquire(&registry_lock);
    if (at_fork.holds && !region_lock(true)) {
        lock_release(&registry_lock);
        at_fork.holds = false;
    }
}

static void release_locks(void)
{
    if (!at_fork.holds)
        return;
    region_unlock();
    lock_release(&registry_lock);
}

/* The depth goes down last: until then a fork in a signal handler leaves all as it is. */
static void after_fork_in_parent(void)
{
    if (at_fork.depth == 1) {
        release_locks();
        if (at_fork.no_arena)
            g_page_arena = NULL;
        else if (at_fork.state != THREAD_BUSY)
            g_page_arena->busy = at_fork.state;
    }
    at_fork.depth--;
}

static void after_fork_in_child(void)
{
    lock_set_process();
    background_forget();
    huge_forget();
    nthreads = 0;
    if (g_page_arena != NULL)
        g_page_arena->thread_id = 0;
    if (at_fork.depth == 1) {
        release_locks();
        if (!at_fork.holds) {
            /* Whoever has the locks is not here. */
            g_page_arena = &turned_away;
        } else {
            if (at_fork.no_arena)
                g_page_arena = NULL;
            else
                g_page_arena->busy = THREAD_FORKED;
            survivor = g_page_arena;
            take_over = TAKE_OVER_PENDING;
        }
    }
    at_fork.depth--;
}

bool thread_init(void)
{
    lock_set_process();
    started = pthread_key_create(&exit_key, on_thread_exit) == 0 &&
              pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
    return started;
}
