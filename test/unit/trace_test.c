#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "space.h"
#include "unit.h"

#define MOST 100000

static char directory[64];
static char path[96];
static struct trace_event events[MOST];

static void make_directory(void)
{
    strcpy(directory, "/tmp/trace_test.XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/trace", directory);
}

static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK(system(command) == 0);
}

static void start(const char *to)
{
    char knobs[160];
    snprintf(knobs, sizeof knobs, "REGION=64M TRACE=%s", to);
    unit_start(knobs);
}

/* The events of a trace, how many there are. */
static size_t load(const char *from, uint64_t pid)
{
    struct trace_header header;
    int fd = open(from, O_RDONLY);
    CHECK(fd >= 0 && read(fd, &header, sizeof header) == sizeof header);
    CHECK_EQUAL(header.magic, TRACE_MAGIC);
    CHECK(pid == 0 || header.pid == pid);
    size_t n = 0;
    ssize_t length;
    while ((length = read(fd, (char *)events + n, sizeof events - n)) > 0)
        n += (size_t)length;
    CHECK_EQUAL(n % sizeof *events, 0);
    close(fd);
    return n / sizeof *events;
}

/* The end of a process that runs its destructors. */
static void leave(void)
{
    exit(0);
}

static void off_unless_asked(void)
{
    unit_start("REGION=64M");
    CHECK(!g_trace);
    CHECK_EQUAL(g_config.guard, 0);
}

static void check_event(size_t i, enum trace_op op, size_t page, size_t count)
{
    unit_context("event %zu: op %u", i, events[i].when & 0xff);
    CHECK_EQUAL(events[i].when & 0xff, op);
    CHECK_EQUAL(events[i].page, page);
    CHECK_EQUAL(events[i].count, count);
}

static size_t first;

static void a_known_history(void)
{
    char *map = space_map(256 * KIB);
    first = region_page((uintptr_t)map);
    map[0] = 1;
    map[5 * PAGE_BYTES] = 1;
    map[6 * PAGE_BYTES] = 1;
    space_unmap(range_of(map, 256 * KIB));
    char *block = space_block(20000, 1, true);
    CHECK_EQUAL(region_page((uintptr_t)block), first);
    block[19999] = 1;
    space_block_free(block);
    map = space_map(5 * PAGE_BYTES);
    map[PAGE_BYTES] = 1;
    fprintf(stderr, "page %zu\n", first);
    leave();
}

static void run_known_history(void)
{
    unit_child(a_known_history);
}

static void events_of_a_known_history(void)
{
    char name[256];
    make_directory();
    snprintf(name, sizeof name, "%s/%%p", directory);
    start(name);
    first = strtoul(strstr(unit_stderr_of(run_known_history), "page ") + 5, NULL, 10);
    snprintf(name, sizeof name, "rm %s/%d; mv %s/* %s", directory, (int)getpid(), directory, path);
    CHECK(system(name) == 0);
    CHECK_EQUAL(load(path, 0), 11);
    check_event(0, TRACE_MAP, first, 64);
    check_event(1, TRACE_TOUCH, first, 1);
    check_event(2, TRACE_TOUCH, first + 5, 2);
    check_event(3, TRACE_FREE, first, 64);
    check_event(4, TRACE_ZERO_BLOCK, 0, 20000);
    check_event(5, TRACE_MAP, first, 5);
    check_event(6, TRACE_TOUCH, first + 4, 1);
    check_event(7, TRACE_FREE, first, 5);
    check_event(8, TRACE_MAP, first, 5);
    check_event(9, TRACE_TOUCH, first + 1, 1);
    check_event(10, TRACE_EXIT, 0, 0);
    remove_all();
}

static void nothing_is_recycled(void)
{
    make_directory();
    start(path);
    unsigned char residency[16];
    char *map = space_map(64 * KIB);
    memset(map, 1, 64 * KIB);
    space_unmap(range_of(map, 64 * KIB));
    CHECK(space_map(64 * KIB) == (void *)map);
    CHECK(os_resident(map, 16, residency));
    for (size_t i = 0; i < 16; i++)
        CHECK((residency[i] & 1) == 0);
    char *block = space_block(9000, 1, false);
    memset(block, 1, 9000);
    CHECK_EQUAL(space_block_bytes(block), 3 * PAGE_BYTES);
    space_block_free(block);
    CHECK(unit_is_zero(space_block(9000, 1, false), 9000));
    remove_all();
}

static void a_file_that_is_there_is_left_alone(void)
{
    struct stat status;
    make_directory();
    CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
    start(path);
    CHECK(!g_trace);
    CHECK(stat(path, &status) == 0 && status.st_size == 0);
    CHECK_EQUAL(os_append("/nowhere/at/all", true), -1);
    CHECK_EQUAL(os_append(directory, false), -1);
    remove_all();
}

static void use_the_arena(size_t index)
{
    for (size_t i = 0; i < 400; i++) {
        size_t nbytes = (1 + (i + index) % 7) * PAGE_BYTES;
        char *map = space_map(nbytes);
        CHECK(map != NULL);
        map[0] = 1;
        space_unmap(range_of(map, nbytes));
    }
}

/* What is live in the order of the events must be consistent: no page twice, none freed that is not. */
static void check_order(size_t n)
{
    static bool live[64 * MIB / PAGE_BYTES];
    for (size_t i = 0; i < n; i++) {
        uint32_t op = events[i].when & 0xff;
        for (uint32_t page = events[i].page; page < events[i].page + events[i].count; page++) {
            unit_context("event %zu: op %u, page %u", i, op, page);
            CHECK(op != TRACE_MAP || !live[page]);
            CHECK(op != TRACE_FREE || live[page]);
            if (op == TRACE_MAP || op == TRACE_FREE)
                live[page] = op == TRACE_MAP;
        }
    }
}

static void threads_in_one_order(void)
{
    make_directory();
    start(path);
    unit_threads(8, use_the_arena);
    use_the_arena(0);
    size_t n = load(path, (uint64_t)getpid());
    CHECK(n >= 8192 && n % 4096 == 0);
    check_order(n);
    remove_all();
}

static void use_it_in_a_child(void)
{
    use_the_arena(0);
    leave();
}

static void a_child_writes_its_own(void)
{
    char pattern[96];
    make_directory();
    snprintf(pattern, sizeof pattern, "%s/%%p", directory);
    start(pattern);
    use_the_arena(0);
    unit_child(use_it_in_a_child);
    snprintf(path, sizeof path, "%s/%d", directory, (int)getpid());
    CHECK_EQUAL(load(path, (uint64_t)getpid()), 0);
    use_the_arena(0);
    use_the_arena(0);
    use_the_arena(0);
    use_the_arena(0);
    check_order(load(path, (uint64_t)getpid()));
    remove_all();
}

/* As after execve(2): the process id is the same. */
static void a_name_for_each_program(void)
{
    char pattern[96];
    make_directory();
    snprintf(pattern, sizeof pattern, "%s/%%p", directory);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%d%s", directory, (int)getpid(), i == 0 ? "" : ".1");
        CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
    }
    start(pattern);
    CHECK(g_trace);
    for (int i = 0; i < 16; i++)
        use_the_arena(0);
    snprintf(path, sizeof path, "%s/%d.2", directory, (int)getpid());
    CHECK(load(path, (uint64_t)getpid()) != 0);
    remove_all();
}

static void a_disk_that_is_full(void)
{
    struct stat status;
    make_directory();
    start(path);
    uint64_t before = fake_count(SYS_write);
    fake_fail(SYS_write, 2, FAKE_EVER, ENOSPC);
    for (int i = 0; i < 16; i++)
        use_the_arena(0);
    CHECK(stat(path, &status) == 0);
    CHECK_EQUAL(status.st_size, sizeof(struct trace_header) + 4096 * sizeof *events);
    CHECK_EQUAL(fake_count(SYS_write) - before, 2);
    remove_all();
}

UNIT_MAIN(UNIT_CASE(off_unless_asked), UNIT_CASE(events_of_a_known_history),
          UNIT_CASE(nothing_is_recycled), UNIT_CASE(a_file_that_is_there_is_left_alone),
          UNIT_CASE(threads_in_one_order), UNIT_CASE(a_child_writes_its_own),
          UNIT_CASE(a_name_for_each_program), UNIT_CASE(a_disk_that_is_full))
