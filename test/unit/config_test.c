#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void load(void)
{
    config_load();
}

/* What is said on stderr when one knob has this value. */
static const char *load_with(const char *name, const char *value)
{
    char variable[64];
    snprintf(variable, sizeof variable, "HAKMEM_PAGE_ARENA_%s", name);
    CHECK(setenv(variable, value, 1) == 0);
    const char *text = unit_stderr_of(load);
    CHECK(unsetenv(variable) == 0);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void defaults(void)
{
    CHECK(*unit_stderr_of(load) == '\0');
    CHECK(!g_config.enable);
    CHECK_EQUAL(g_config.hot_size, 1024);
    CHECK_EQUAL(g_config.warm_64k, 256);
    CHECK_EQUAL(g_config.warm_128k, 128);
    CHECK_EQUAL(g_config.warm_2m, 64);
    CHECK_EQUAL(g_config.max_span, 32 * MIB);
    CHECK_EQUAL(g_config.region, 64 * GIB);
    CHECK_EQUAL(g_config.guard, 0);
    CHECK(g_config.only[0] == '\0' && g_config.stats[0] == '\0');
}

static const struct {
    const char *value;
    size_t used;
    const char *said; /* a part of the one line, NULL: nothing is said */
} max_spans[] = {
    {"65536", 64 * KIB, NULL},
    {"64K", 64 * KIB, NULL},
    {"64k", 64 * KIB, NULL},
    {"3m", 3 * MIB, NULL},
    {"1G", GIB, NULL},
    {"1g", GIB, NULL},
    {"0000000000000000000000000000070K", 72 * KIB, NULL}, /* whole pages */
    {"65537", 68 * KIB, NULL},
    {"0", 64 * KIB, "is too small, using 65536"},
    {"1", 64 * KIB, "is too small, using 65536"},
    {"1025M", GIB, "is too large, using 1073741824"},
    {"1000000000000000000000000000000", GIB, "is too large, using 1073741824"},
    {"18446744073709551615", GIB, "is too large"},
    {"18446744073709551616", GIB, "is too large"},
    {"18446744073709617152", GIB, "is too large"}, /* 2^64 + 64 K */
    {"17179869185G", GIB, "is too large"},         /* 2^64 + 1 G */
    {"", 32 * MIB, "is not a whole number, using 33554432"},
    {" ", 32 * MIB, "is not a whole number"},
    {" 64K", 32 * MIB, "is not a whole number"},
    {"64K ", 32 * MIB, "is not a whole number"},
    {"letters", 32 * MIB, "is not a whole number"},
    {"K", 32 * MIB, "is not a whole number"},
    {"64KB", 32 * MIB, "is not a whole number"},
    {"64KK", 32 * MIB, "is not a whole number"},
    {"64T", 32 * MIB, "is not a whole number"},
    {"-1", 32 * MIB, "is not a whole number"},
    {"+1", 32 * MIB, "is not a whole number"},
    {"12abc", 32 * MIB, "is not a whole number"},
    {"0x100000", 32 * MIB, "is not a whole number"},
    {"1.5G", 32 * MIB, "is not a whole number"},
    {"1e6", 32 * MIB, "is not a whole number"},
    {"1000000000000000000000000000000x", 32 * MIB, "is not a whole number"},
    {"%s%n", 32 * MIB, "is not a whole number"},
};

static void number_table(void)
{
    for (size_t i = 0; i < sizeof max_spans / sizeof *max_spans; i++) {
        unit_context("MAX_SPAN=%s", max_spans[i].value);
        const char *text = load_with("MAX_SPAN", max_spans[i].value);
        CHECK_EQUAL(g_config.max_span, max_spans[i].used);
        CHECK_EQUAL(count_lines(text), max_spans[i].said != NULL);
        if (max_spans[i].said == NULL) {
            CHECK(*text == '\0');
            continue;
        }
        char start[128];
        snprintf(start, sizeof start, "pagearena: HAKMEM_PAGE_ARENA_MAX_SPAN=%.20s",
                 max_spans[i].value);
        CHECK(strncmp(text, start, strlen(start)) == 0);
        CHECK(strstr(text, max_spans[i].said) != NULL);
    }
}

/* Every knob: nonsense, too small, too large. */
static void every_number_is_held_in_its_range(void)
{
#define TRY(name, shown, standard, lowest, highest, field)                                         \
    unit_context(#name);                                                                           \
    CHECK_EQUAL(count_lines(load_with(#name, "x")), 1);                                            \
    CHECK_EQUAL(g_config.field, standard);                                                         \
    CHECK_EQUAL(count_lines(load_with(#name, "1000000000000000000000000000000")), 1);              \
    CHECK_EQUAL(g_config.field, highest);                                                          \
    CHECK_EQUAL(count_lines(load_with(#name, "0")), (lowest) > 0);                                 \
    CHECK_EQUAL(g_config.field, lowest);
    CONFIG_NUMBERS(TRY)
#undef TRY
}

static void sizes_are_rounded(void)
{
    CHECK(*load_with("HOT_SIZE", "65") == '\0');
    CHECK_EQUAL(g_config.hot_size, 128);
    CHECK(*load_with("HOT_SIZE", "64") == '\0');
    CHECK_EQUAL(g_config.hot_size, 64);
    CHECK(*load_with("HOT_SIZE", "2049") == '\0');
    CHECK_EQUAL(g_config.hot_size, 4096);
    CHECK(*load_with("WARM_64K", "17") == '\0');
    CHECK_EQUAL(g_config.warm_64k, 17);
    CHECK(*load_with("REGION", "67108865") == '\0');
    CHECK_EQUAL(g_config.region, 64 * MIB);
    CHECK(*load_with("REGION", "1024G") == '\0');
    CHECK_EQUAL(g_config.region, 1024 * GIB);
}

static void awkward_values_make_one_line(void)
{
    char value[5000];
    memset(value, '7', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    const char *text = load_with("HOT_SIZE", value);
    CHECK_EQUAL(count_lines(text), 1);
    CHECK(strlen(text) < 200);
    CHECK(strstr(text, "... is too large, using 4096\n") != NULL);

    text = load_with("HOT_SIZE", "1\n2\t\033[31m");
    CHECK_EQUAL(count_lines(text), 1);
    CHECK(strstr(text, "=1?2??[31m is not") != NULL);
}

static void texts(void)
{
    load_with("STATS", "/tmp/x");
    CHECK(strcmp(g_config.stats, "/tmp/x") == 0);
    load_with("STATS", "");
    CHECK(g_config.stats[0] == '\0');
}

/* A program may write over its environment. */
static void texts_are_copies(void)
{
    unit_knobs("STATS=/tmp/x");
    config_load();
    char *value = getenv("HAKMEM_PAGE_ARENA_STATS");
    memset(value, '?', strlen(value));
    CHECK(strcmp(g_config.stats, "/tmp/x") == 0);
}

static void text_too_long_is_ignored(void)
{
    static char value[2 * CONFIG_TEXT_MAX];
    memset(value, 'x', sizeof value - 1);
    const char *text = load_with("STATS", value);
    CHECK_EQUAL(count_lines(text), 1);
    CHECK(strlen(text) < 200 && strstr(text, "... is too long") != NULL);
    CHECK(g_config.stats[0] == '\0');
    value[CONFIG_TEXT_MAX - 1] = '\0';
    CHECK(*load_with("STATS", value) == '\0');
    CHECK_EQUAL(strlen(g_config.stats), CONFIG_TEXT_MAX - 1);
}

static void only_names(void)
{
    unit_knobs("ONLY=a,b ENABLE=1");
    config_load_switch();
    CHECK(g_config.enable && strcmp(g_config.only, "a,b") == 0);
}

static void load_switch(void)
{
    config_load_switch();
}

/* What a program that is switched off must not see. */
static void switch_reads_nothing_else(void)
{
    unit_knobs("ENABLE=0 HOT_SIZE=x MAX_SPAN=1 REGION=x GUARD=7");
    CHECK(*unit_stderr_of(load_switch) == '\0');
    CHECK(!g_config.enable);
    CHECK_EQUAL(count_lines(unit_stderr_of(load)), 4);
}

static void enable_nonsense(void)
{
    unit_knobs("ENABLE=yes");
    const char *text = unit_stderr_of(load_switch);
    CHECK_EQUAL(count_lines(text), 1);
    CHECK(strstr(text, "HAKMEM_PAGE_ARENA_ENABLE=yes is not a whole number, using 0") != NULL);
    CHECK(*unit_stderr_of(load_switch) == '\0');
    CHECK(!g_config.enable);
}

static void enable_too_large(void)
{
    unit_knobs("ENABLE=2");
    CHECK_EQUAL(count_lines(unit_stderr_of(load)), 1);
    CHECK(g_config.enable);
}

static void log_settings(void)
{
    config_log();
}

static void debug_builds_log(void)
{
    config_load();
    const char *text = unit_stderr_of(log_settings);
    CHECK(strstr(text, "[PageArena-INIT] HOT_SIZE=1024\n") != NULL);
    CHECK(strstr(text, "[PageArena-INIT] REGION=68719476736\n") != NULL);
}

UNIT_MAIN(UNIT_CASE(defaults), UNIT_CASE(number_table),
          UNIT_CASE(every_number_is_held_in_its_range), UNIT_CASE(sizes_are_rounded),
          UNIT_CASE(awkward_values_make_one_line), UNIT_CASE(texts), UNIT_CASE(texts_are_copies),
          UNIT_CASE(text_too_long_is_ignored), UNIT_CASE(only_names),
          UNIT_CASE(switch_reads_nothing_else), UNIT_CASE(enable_nonsense),
          UNIT_CASE(enable_too_large), UNIT_CASE(debug_builds_log))
