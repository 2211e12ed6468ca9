/*
 * A thread's own arena: made on first use, given back at exit, recycled for the next thread.
 *
 * thread_enter marks it as busy until thread_leave. What comes in between on the same thread is a
 * signal handler that interrupted the library; it is turned away and must do with the kernel and
 * with lists that need neither lock nor arena. So is a thread whose exit handler has run, and one
 * whose arena could not be had.
 *
 * After fork(2) the first call in the child takes over what the threads that are not there any more
 * had cached or in flight, and gives inherited free pages back to the kernel, so that clearing them
 * never copies a page that the parent still has. A child that only calls exec(3) pays nothing.
 */
#ifndef THREAD_H
#define THREAD_H

#include "defs.h"
#include "page_arena.h"

enum thread_state { THREAD_BUSY, THREAD_IDLE, THREAD_FORKED };

/* Registers the exit and fork handlers. False: the system has no room for them. */
bool thread_init(void);

/* Slow path of thread_enter. */
PageArena *thread_enter_slowly(void);

/*
 * Every arena of the process, to read its counters; `visit` may take the region's lock, which comes
 * after the registry's, and no other. False: the registry is out of reach, or would have to be waited for.
 */
bool thread_each_arena(void (*visit)(const PageArena *arena, void *context), void *context,
                       bool wait);

/*
 * Now and then each thread looks at the clock (decay.h) and calls `look`: at the end of every 64th of
 * its calls, or sooner where one says so, inside the library and with no lock held, when nothing is in
 * the midst of a change. thread_look_with: before there are threads.
 */
void thread_look_with(void (*look)(void));
void thread_look(PageArena *arena);

/* Counts a call: how many are left until a look is due. */
static inline uint32_t thread_count(PageArena *arena)
{
    uint32_t left = __atomic_load_n(&arena->until_look, __ATOMIC_RELAXED) - 1;
    __atomic_store_n(&arena->until_look, left, __ATOMIC_RELAXED);
    return left;
}

/* For an arena that a library user made, at the end of a call. */
static inline void thread_count_call(PageArena *arena)
{
    if (unlikely(thread_count(arena) == 0))
        thread_look(arena);
}

/* Whether a thread that has used the library is still there. Some end without exit handlers. */
bool thread_any_lives(void);

/* Lists and unlists an arena that a library user made. False: the registry is out of reach. */
bool thread_register(PageArena *arena);
bool thread_unregister(PageArena *arena);

/* The calling thread's arena, busy now; NULL: it has none, or is busy, or was forked. */
static inline PageArena *thread_take_own(void)
{
    PageArena *arena = g_page_arena;
    if (unlikely(arena == NULL || arena->busy != THREAD_IDLE))
        return NULL;
    __atomic_store_n(&arena->busy, THREAD_BUSY, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return arena;
}

static inline void thread_let_own_go(PageArena *arena)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&arena->busy, THREAD_IDLE, __ATOMIC_RELAXED);
}

/* The same; NULL: go without. */
static inline PageArena *thread_enter(void)
{
    PageArena *arena = thread_take_own();
    return likely(arena != NULL) ? arena : thread_enter_slowly();
}

static inline void thread_leave(PageArena *arena)
{
    thread_count_call(arena);
    thread_let_own_go(arena);
}

/*
 * The same for what calls no function, to be left by thread_let_own_go: NULL also when a look at the clock
 * is due, which thread_leave sees to.
 */
static inline PageArena *thread_enter_briefly(void)
{
    PageArena *arena = thread_take_own();
    if (unlikely(arena == NULL) || likely(thread_count(arena) != 0))
        return arena;
    __atomic_store_n(&arena->until_look, 1, __ATOMIC_RELAXED);
    thread_let_own_go(arena);
    return NULL;
}

#endif
