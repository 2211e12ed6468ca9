#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "space.h"
#include "unit.h"

/* Of schema 1; in this order. */
static const char *const keys[] = {
    "schema",          "pid",
    "allocated",       "live",
    "cached",          "retained",
    "region",          "total_allocs",
    "total_frees",     "mmap_calls",
    "hot_4k.hits",     "hot_4k.misses",
    "hot_4k.frees",    "hot_4k.evictions",
    "warm_64k.hits",   "warm_64k.misses",
    "warm_64k.frees",  "warm_64k.evictions",
    "warm_128k.hits",  "warm_128k.misses",
    "warm_128k.frees", "warm_128k.evictions",
    "warm_2m.hits",    "warm_2m.misses",
    "warm_2m.frees",   "warm_2m.evictions",
    "short.hits",      "short.misses",
    "short.frees",     "short.evictions",
};
#define NKEYS (sizeof keys / sizeof *keys)

static const PageArena *printed;
static char path[128];
static char text[8192];

static void print(void)
{
    page_arena_print_stats(printed);
}

/* The value in the lines of a key that must be there. */
static uint64_t value_of(const char *lines, const char *key)
{
    char start[64];
    int length = snprintf(start, sizeof start, "%s ", key);
    const char *line = lines;
    while (line != NULL && strncmp(line, start, (size_t)length) != 0) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    unit_context("key %s", key);
    CHECK(line != NULL);
    return strtoull(line + length, NULL, 10);
}

static void lines_have_the_keys_in_order(void)
{
    unit_start("REGION=64M");
    const char *rest = unit_stderr_of(print);
    for (size_t i = 0; i < NKEYS; i++) {
        unit_context("key %s", keys[i]);
        size_t length = strlen(keys[i]);
        CHECK(strncmp(rest, keys[i], length) == 0 && rest[length] == ' ');
        rest += length + 1;
        CHECK(strspn(rest, "0123456789") > 0);
        rest += strspn(rest, "0123456789");
        CHECK(*rest++ == '\n');
    }
    CHECK(*rest == '\0');
}

static void figures_of_a_known_history(void)
{
    unit_start("REGION=64M");
    void *page = space_map(1);
    void *span = space_map(64 * KIB);
    void *large = space_map(5 * MIB);
    memset(large, 1, 5 * MIB);
    CHECK(space_map(100 * MIB) == NULL);
    space_unmap(range_of(page, PAGE_BYTES));
    space_unmap(range_of(large, 5 * MIB));
    const char *lines = unit_stderr_of(print);
    CHECK_EQUAL(value_of(lines, "schema"), 1);
    CHECK_EQUAL(value_of(lines, "pid"), getpid());
    CHECK_EQUAL(value_of(lines, "allocated"), 4 * KIB + 64 * KIB + 5 * MIB);
    CHECK_EQUAL(value_of(lines, "live"), 64 * KIB);
    CHECK_EQUAL(value_of(lines, "cached"), 4 * KIB);
    CHECK_EQUAL(value_of(lines, "retained"), 4 * KIB + 5 * MIB);
    CHECK_EQUAL(value_of(lines, "region"), 64 * MIB);
    CHECK_EQUAL(value_of(lines, "total_allocs"), 3);
    CHECK_EQUAL(value_of(lines, "total_frees"), 2);
    CHECK_EQUAL(value_of(lines, "mmap_calls"), 1);
    CHECK_EQUAL(value_of(lines, "hot_4k.misses"), 1);
    CHECK_EQUAL(value_of(lines, "hot_4k.frees"), 1);
    CHECK_EQUAL(value_of(lines, "warm_64k.misses"), 1);
    CHECK_EQUAL(value_of(lines, "warm_64k.frees"), 0);
    space_unmap(range_of(span, 64 * KIB));
}

static void of_one_arena(void)
{
    PageArena arena;
    unit_start("REGION=64M");
    CHECK(page_arena_init(&arena));
    CHECK(page_arena_alloc_pages(&arena, 8 * KIB) != NULL);
    CHECK(page_arena_alloc_pages(NULL, 4 * KIB) != NULL);
    printed = &arena;
    const char *lines = unit_stderr_of(print);
    CHECK_EQUAL(value_of(lines, "allocated"), 8 * KIB);
    CHECK_EQUAL(value_of(lines, "total_allocs"), 1);
    CHECK_EQUAL(value_of(lines, "hot_4k.misses"), 0);
    CHECK_EQUAL(value_of(lines, "short.misses"), 1);
    printed = NULL;
    lines = unit_stderr_of(print);
    CHECK_EQUAL(value_of(lines, "allocated"), 12 * KIB);
    CHECK_EQUAL(value_of(lines, "total_allocs"), 2);
}

static void use_the_arena(size_t index)
{
    (void)index;
    for (int i = 0; i < 10; i++)
        space_unmap(range_of(space_map(64 * KIB), 64 * KIB));
}

static void counts_outlive_their_threads(void)
{
    unit_start("REGION=64M");
    for (int i = 0; i < 3; i++)
        unit_threads(4, use_the_arena);
    const char *lines = unit_stderr_of(print);
    CHECK_EQUAL(value_of(lines, "total_allocs"), 120);
    CHECK_EQUAL(value_of(lines, "total_frees"), 120);
    CHECK_EQUAL(value_of(lines, "warm_64k.hits") + value_of(lines, "warm_64k.misses"), 120);
    CHECK_EQUAL(value_of(lines, "cached"), 0);
}

static void load(const char *from)
{
    int fd = open(from, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t length = read(fd, text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = '\0';
    close(fd);
}

static const char *skip_space(const char *json)
{
    return json + strspn(json, " \n");
}

/* JSON of objects and numbers, keys joined by dots: the lines that print would have printed. */
static const char *read_object(const char *json, const char *group, FILE *lines)
{
    CHECK(*json == '{');
    do {
        char key[64];
        json = skip_space(json + 1);
        CHECK(*json == '"');
        const char *end = strchr(json + 1, '"');
        CHECK(end != NULL);
        snprintf(key, sizeof key, "%s%s%.*s", group, *group != '\0' ? "." : "",
                 (int)(end - json - 1), json + 1);
        json = skip_space(end + 1);
        CHECK(*json == ':');
        json = skip_space(json + 1);
        if (*json == '{') {
            json = read_object(json, key, lines);
        } else {
            CHECK(strspn(json, "0123456789") > 0);
            fprintf(lines, "%s %llu\n", key, strtoull(json, NULL, 10));
            json += strspn(json, "0123456789");
        }
        json = skip_space(json);
    } while (*json == ',');
    CHECK(*json == '}');
    return json + 1;
}

static void check_json(void)
{
    char *lines = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&lines, &length);
    CHECK(stream != NULL);
    CHECK(*skip_space(read_object(skip_space(text), "", stream)) == '\0');
    CHECK(fclose(stream) == 0);
    const char *printed_lines = unit_stderr_of(print);
    CHECK(strcmp(lines, printed_lines) == 0);
    free(lines);
}

static void make_path(const char *name)
{
    static char directory[] = "/tmp/stats_test.XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/%s", directory, name);
}

static void remove_path(const char *file)
{
    CHECK(unlink(file) == 0);
    *strrchr(path, '/') = '\0';
    CHECK(rmdir(path) == 0);
}

static void json_says_the_same(void)
{
    unit_start("REGION=64M");
    use_the_arena(0);
    make_path("stats.json");
    CHECK(stats_save(path));
    load(path);
    check_json();
    struct stat status;
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    /* A second one takes its place. */
    use_the_arena(0);
    CHECK(stats_save(path));
    load(path);
    check_json();
    remove_path(path);
}

static void path_with_process_id(void)
{
    char expected[160];
    unit_start("REGION=64M");
    make_path("a%p-%p%%.json");
    CHECK(stats_save(path));
    char *name = strrchr(path, '/');
    snprintf(expected, sizeof expected, "%.*s/a%d-%d%%%%.json", (int)(name - path), path, getpid(),
             getpid());
    load(expected);
    check_json();
    remove_path(expected);
}

static void places_that_cannot_be_written(void)
{
    static char longest[8192];
    unit_start("REGION=64M");
    memset(longest, 'x', sizeof longest - 1);
    CHECK(!stats_save(longest));
    for (size_t i = 0; i + 1 < sizeof longest; i += 2)
        memcpy(longest + i, "%p", 2);
    CHECK(!stats_save(longest));
    CHECK(!stats_save("/nowhere/at/all"));
    CHECK(!stats_save(""));
    CHECK(!stats_save("/tmp"));
    make_path("stats.json");
    fake_fail(SYS_write, 1, 1, ENOSPC);
    CHECK(!stats_save(path));
    remove_path(path);
}

UNIT_MAIN(UNIT_CASE(lines_have_the_keys_in_order), UNIT_CASE(figures_of_a_known_history),
          UNIT_CASE(of_one_arena), UNIT_CASE(counts_outlive_their_threads),
          UNIT_CASE(json_says_the_same), UNIT_CASE(path_with_process_id),
          UNIT_CASE(places_that_cannot_be_written))
