/*
 * One scenario that makes every system call of the library, run again and again with another of
 * its calls failing. Whatever fails: nothing crashes or hangs, new memory reads as zero, live
 * memory keeps its content and is nobody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "page_arena.h"
#include "purge.h"
#include "space.h"
#include "unit.h"

#define MAX_SPANS 64
static struct range spans[MAX_SPANS];
static size_t nspans;
static char stats_path[64];
static int null_file;

static void *address(struct range range)
{
    return (void *)range.start;
}

static size_t length(struct range range)
{
    return range.end - range.start;
}

static void check_contents(void)
{
    for (size_t i = 0; i < nspans; i++)
        CHECK(unit_filled(address(spans[i]), length(spans[i]), 1));
}

static void add(void *memory, size_t nbytes)
{
    struct range range = range_of(memory, align_up(nbytes, PAGE_BYTES));
    if (memory == NULL)
        return;
    CHECK(unit_is_zero(memory, length(range)));
    for (size_t i = 0; i < nspans; i++)
        CHECK(range.end <= spans[i].start || range.start >= spans[i].end);
    unit_fill(memory, length(range), 1);
    CHECK(nspans < MAX_SPANS);
    spans[nspans++] = range;
}

static void map(size_t npages)
{
    add(space_map(npages * PAGE_BYTES), npages * PAGE_BYTES);
}

static void unmap(struct range range)
{
    if (region_owns(range.start))
        space_unmap(range);
    else
        page_arena_free_pages(NULL, address(range), length(range));
}

static void unmap_every(size_t step)
{
    size_t kept = 0;
    for (size_t i = 0; i < nspans; i++)
        if (i % step == 0)
            unmap(spans[i]);
        else
            spans[kept++] = spans[i];
    nspans = kept;
    check_contents();
}

/* The first span of several pages in the region. */
static struct range *find_span(void)
{
    for (size_t i = 0; i < nspans; i++)
        if (length(spans[i]) >= 40 * PAGE_BYTES && region_owns(spans[i].start))
            return &spans[i];
    return NULL;
}

static void unmap_odd_pages(void)
{
    struct range *span = find_span();
    if (span == NULL)
        return;
    struct range odd = {span->end - 7 * PAGE_BYTES, span->end - 2 * PAGE_BYTES};
    CHECK(mprotect(address(odd), length(odd), PROT_READ) == 0);
    space_mark(PAGE_TORN, odd);
    space_unmap((struct range){odd.start - PAGE_BYTES, span->end});
    span->end = odd.start - PAGE_BYTES;
    check_contents();
}

static void map_fixed_over(bool undo)
{
    struct range *span = find_span();
    if (span == NULL)
        return;
    struct range hole = {span->end - 10 * PAGE_BYTES, span->end};
    span->end = hole.start;
    space_unmap(hole);
    if (space_claim(hole, true) != CLAIM_OK)
        return;
    if (undo) {
        space_claim_undo(hole, false);
        return;
    }
    CHECK(mmap(address(hole), length(hole), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == address(hole));
    space_claim_end(hole, true);
    add(address(hole), length(hole));
}

static void *use_in_thread(void *unused)
{
    (void)unused;
    for (size_t npages = 1; npages <= 64; npages *= 2)
        map(npages);
    unmap_every(2);
    return NULL;
}

static void use_in_child(void)
{
    check_contents();
    for (size_t npages = 1; npages <= 64; npages *= 2)
        map(npages);
    unmap_every(2);
}

static void use_user_arena(void)
{
    PageArena arena;
    if (!page_arena_init(&arena))
        return;
    add(page_arena_alloc_pages(&arena, MIB), MIB);
    add(page_arena_alloc_aligned(&arena, PAGE_BYTES, 64 * KIB), PAGE_BYTES);
    void *page = page_arena_alloc_pages(&arena, PAGE_BYTES);
    page_arena_free_pages(&arena, page, PAGE_BYTES);
    page_arena_shutdown(&arena);
}

#define MAX_BLOCKS 12
static void *blocks[MAX_BLOCKS];
static size_t block_bytes_of[MAX_BLOCKS];

static void check_blocks(void)
{
    for (size_t i = 0; i < MAX_BLOCKS; i++)
        if (blocks[i] != NULL)
            CHECK(unit_filled(blocks[i], block_bytes_of[i], 2));
}

static void set_block(size_t slot, void *block, size_t nbytes)
{
    blocks[slot] = block;
    block_bytes_of[slot] = nbytes;
    if (block == NULL)
        return;
    CHECK(space_block_bytes(block) >= nbytes);
    unit_fill(block, nbytes, 2);
}

static void free_block(size_t slot)
{
    if (blocks[slot] != NULL)
        space_block_free(blocks[slot]);
    blocks[slot] = NULL;
}

/* What it held is still there, as much as fits; or the block is as it was. */
static void move_block(size_t slot, size_t nbytes)
{
    if (blocks[slot] == NULL)
        return;
    size_t kept = min_size(nbytes, block_bytes_of[slot]);
    size_t first = *(size_t *)blocks[slot];
    if (space_block_resize(blocks[slot], nbytes)) {
        CHECK_EQUAL(*(size_t *)blocks[slot], first);
        set_block(slot, blocks[slot], nbytes);
        return;
    }
    check_blocks();
    void *moved = space_block_move(blocks[slot], nbytes);
    if (moved == NULL)
        return;
    CHECK(kept >= sizeof first && *(size_t *)moved == first);
    set_block(slot, moved, nbytes);
}

static void *free_some_blocks(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < MAX_BLOCKS; i += 3)
        free_block(i);
    set_block(0, space_block(30000, 1, false), 30000);
    return NULL;
}

static void use_blocks(void)
{
    static const size_t sizes[] = {4096, 9000, 60000, 270000, 600000, 20000, 8192, 40000};
    pthread_t thread;
    for (size_t i = 0; i < MAX_BLOCKS; i++) {
        size_t nbytes = sizes[i % 8];
        void *block = space_block(nbytes, i == 9 ? 65536 : 1, i % 2 == 0);
        CHECK(block == NULL || i % 2 != 0 || unit_is_zero(block, nbytes & ~(size_t)7));
        set_block(i, block, nbytes & ~(size_t)7);
    }
    check_blocks();
    move_block(2, 64 * KIB);
    move_block(3, 400 * KIB);
    move_block(4, 900 * KIB);
    move_block(7, 70 * KIB);
    check_blocks();
    CHECK(pthread_create(&thread, NULL, free_some_blocks, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    check_blocks();
    space_relieve();
    check_blocks();
    for (size_t i = 0; i < MAX_BLOCKS; i++)
        free_block(i);
}

/* Half of a reservation is made accessible, as V8 does it; the rest goes as it came. */
static void use_reservation(size_t npages)
{
    char *start = space_reserve(npages * PAGE_BYTES);
    if (start == NULL)
        return;
    struct range used = range_of(start, npages / 2 * PAGE_BYTES);
    space_commit(used);
    CHECK(mprotect(start, length(used), PROT_READ | PROT_WRITE) == 0);
    space_unmark(PAGE_PROTECTED, used);
    add(start, length(used));
    space_unmap((struct range){used.end, used.start + npages * PAGE_BYTES});
}

static void grow_span(void)
{
    struct range *span = find_span();
    if (span == NULL || space_is_odd(*span))
        return;
    size_t nbytes = length(*span);
    void *grown = space_grow(*span, 2 * nbytes);
    if (grown == NULL)
        return;
    CHECK(unit_is_zero((char *)grown + nbytes, nbytes));
    unit_fill(grown, 2 * nbytes, 1);
    *span = range_of(grown, 2 * nbytes);
}

static void map_where_it_was(void)
{
    struct range *span = find_span();
    if (span == NULL)
        return;
    struct range again = {span->end - 4 * PAGE_BYTES, span->end};
    span->end = again.start;
    space_unmap(again);
    if (space_map_at(again))
        add(address(again), length(again));
}

static void copy_from_anywhere(void)
{
    char from[16] = "some text";
    char to[16] = {0};
    if (os_copy_in(to, from, sizeof to))
        CHECK(memcmp(to, from, sizeof to) == 0);
    CHECK(!os_copy_in(to, (void *)16, sizeof to));

    const char *places[] = {from + 5, from, (char *)16, from};
    size_t ncopied = os_gather(to, places, 4, 4);
    CHECK(ncopied == 0 || (ncopied == 2 && memcmp(to, "textsome", 8) == 0));
}

static void play(void)
{
    static const size_t sizes[] = {1, 1, 16, 16, 50, 100, 32, 3, 512, 1, 16};
    pthread_t thread;
    start_arena();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        map(sizes[i]);
    unmap_odd_pages();
    unmap_every(3);
    map_fixed_over(false);
    map_fixed_over(true);
    add(page_arena_alloc_aligned(NULL, 100 * KIB, MIB), 100 * KIB);
    add(page_arena_alloc_aligned(NULL, 100 * MIB, 4 * KIB), 4 * KIB);
    map(70);
    unmap_every(2);
    use_reservation(100);
    use_reservation(520);
    grow_span();
    map_where_it_was();
    use_blocks();
    copy_from_anywhere();
    check_contents();
    purge_all();
    CHECK(pthread_create(&thread, NULL, use_in_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    unit_child(use_in_child);
    use_user_arena();
    map(1);
    map(300);
    check_contents();
    stats_print(NULL, null_file);
    stats_save(stats_path);
    space_suspend();
    unmap_every(3);
    map(16);
    check_contents();
}

/* Parts are in swap; not the first page, which the self-test looks at. */
static long mincore_of_parts(const long *arguments)
{
    long result = fake_real(SYS_mincore, arguments);
    unsigned char *residency = (unsigned char *)arguments[2];
    for (size_t i = 0; result == 0 && i < (size_t)arguments[1] / PAGE_BYTES; i++)
        if (i % 64 >= 48)
            residency[i] = 0;
    return result;
}

static void set_up_with(const char *knobs)
{
    unit_time_limit(400);
    unit_knobs("REGION=64M HOT_SIZE=64 WARM_64K=16 WARM_128K=8 WARM_2M=4");
    unit_knobs(knobs);
    fake_swap(true);
    fake_handle(SYS_mincore, mincore_of_parts);
    null_file = open("/dev/null", O_WRONLY);
    snprintf(stats_path, sizeof stats_path, "/tmp/fault_test.%d", getpid());
}

static void set_up(void)
{
    set_up_with("");
}

/* How often the scenario makes a call. */
static uint64_t npoints;
static uint64_t *counted;
static long counted_number;

static void play_and_count(void)
{
    play();
    *counted = fake_count(counted_number);
}

static uint64_t count_calls(long number)
{
    counted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(counted != MAP_FAILED);
    counted_number = number;
    unit_child(play_and_count);
    return *counted;
}

/* The scenario with each call of this number failing in turn, once or for ever. */
static void fail_each(long number, uint64_t times, int error)
{
    uint64_t count = count_calls(number);
    CHECK(count > 0);
    for (uint64_t nth = 1; nth <= count; nth++) {
        unit_context("call %ld, %lu of %lu, error %d", number, nth, count, error);
        fake_fail(number, nth, times, error);
        unit_child(play);
    }
    fake_fail(number, 1, 0, 0);
    unlink(stats_path);
    npoints += count;
}

/* For docs/reliability.md. */
static void tell(const char *what)
{
    dprintf(1, "# %lu points of failure, %s\n", npoints, what);
}

static void any_call_once(void)
{
    set_up();
    fail_each(FAKE_ANY, 1, ENOMEM);
    tell("any call, once");
}

static void any_call_once_with_guard(void)
{
    set_up_with("GUARD=1");
    fail_each(FAKE_ANY, 1, ENOMEM);
    tell("any call, once, GUARD");
}

static void any_call_once_with_scrub(void)
{
    set_up_with("SCRUB=1");
    fail_each(FAKE_ANY, 1, ENOMEM);
    tell("any call, once, SCRUB");
}

/* Each call of the library with each errno that its manual page has, and a sandbox may make of it. */
static void each_kind_once(void)
{
    static const struct {
        long number;
        int errors[6];
    } calls[] = {
        {SYS_mmap, {EAGAIN, ENFILE, EPERM, EINVAL, ENOSYS}},
        {SYS_mprotect, {ENOMEM, EACCES, EPERM, ENOSYS}},
        {SYS_munmap, {ENOMEM, EINVAL, EPERM}},
        {SYS_madvise, {EINVAL, EAGAIN, ENOMEM, EPERM, ENOSYS}},
        {SYS_mincore, {EAGAIN, EFAULT, ENOMEM, ENOSYS, EPERM}},
        {SYS_prctl, {EINVAL, ENOMEM, EBADF, EPERM, ENOSYS}},
        {SYS_sysinfo, {EFAULT, EPERM, ENOSYS}},
        {SYS_prlimit64, {EPERM, ESRCH, ENOSYS}},
        {SYS_process_vm_readv, {EPERM, ESRCH, EFAULT, ENOSYS}},
        {SYS_write, {EINTR, EAGAIN, ENOSPC, EIO, EBADF, EPIPE}},
        {SYS_open, {EMFILE, ENFILE, EACCES, EROFS, ENOSPC, EINTR}},
        {SYS_newfstatat, {EACCES, ELOOP, ENOSYS, EPERM}},
        {SYS_close, {EIO, EINTR, EBADF}},
        {SYS_getpid, {ENOSYS, EPERM}},
    };
    set_up();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (size_t j = 0; j < 6 && calls[i].errors[j] != 0; j++)
            fail_each(calls[i].number, 1, calls[i].errors[j]);
    tell("each kind, once");
}

static void any_call_from_then_on(void)
{
    set_up();
    fail_each(FAKE_ANY, FAKE_EVER, ENOMEM);
    tell("any call, from then on");
}

/* Calls that a sandbox refuses, or that run out of something, in the middle of all the others. */
static void each_kind_from_then_on(void)
{
    static const struct {
        long number;
        int error;
    } refusals[] = {
        {SYS_mmap, ENOMEM},   {SYS_mprotect, ENOMEM}, {SYS_mprotect, EPERM}, {SYS_madvise, EINVAL},
        {SYS_madvise, EPERM}, {SYS_mincore, ENOSYS},  {SYS_mincore, EAGAIN}, {SYS_munmap, EINVAL},
        {SYS_sysinfo, EPERM}, {SYS_prctl, EINVAL},
    };
    set_up();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        fail_each(refusals[i].number, FAKE_EVER, refusals[i].error);
    tell("each kind, from then on");
}

static void never_allowed_at_all(void)
{
    static const long numbers[] = {
        SYS_mmap,   SYS_mprotect,     SYS_madvise,    SYS_mincore,
        SYS_munmap, SYS_prctl,        SYS_sysinfo,    SYS_prlimit64,
        SYS_write,  SYS_open,         SYS_futex,      SYS_getpid,
        SYS_unlink, SYS_sched_yield,  SYS_newfstatat, SYS_process_vm_readv,
        SYS_gettid, SYS_clock_gettime};
    static const int errors[] = {ENOSYS, EPERM, ENOMEM, EINVAL, EAGAIN};
    set_up();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t j = 0; j < sizeof errors / sizeof *errors; j++) {
            unit_context("call %ld, error %d", numbers[i], errors[j]);
            fake_fail(numbers[i], 1, FAKE_EVER, errors[j]);
            unit_child(play);
            fake_fail(numbers[i], 1, 0, 0);
        }
    unlink(stats_path);
}

UNIT_MAIN(UNIT_CASE(any_call_once), UNIT_CASE(any_call_once_with_guard),
          UNIT_CASE(any_call_once_with_scrub), UNIT_CASE(any_call_from_then_on),
          UNIT_CASE(each_kind_once), UNIT_CASE(each_kind_from_then_on),
          UNIT_CASE(never_allowed_at_all))
