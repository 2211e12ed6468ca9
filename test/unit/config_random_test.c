/*
 * Every knob with random values: long and short, of digits and units for the most part, and of any bytes. A
 * second reading of the manual, in other words, says what must come out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "unit.h"

static const struct {
    const char *name;
    const size_t *field;
    size_t standard, lowest, highest;
} numbers[] = {
#define ROW(name, shown, standard, lowest, highest, field)                                         \
    {#name, &g_config.field, standard, lowest, highest},
    CONFIG_NUMBERS(ROW)
#undef ROW
};
#define NNUMBERS (sizeof numbers / sizeof *numbers)

static void load(void)
{
    config_load();
}

/* Of one alphabet or another, so that numbers come up often enough. */
static void random_text(struct unit_random *random, char *text, size_t most)
{
    static const char *const alphabets[] = {"0123456789", "0123456789kKmMgG",
                                            "0129-+ .xeKG%p,/\n\t", NULL};
    const char *alphabet = alphabets[unit_random_below(random, 4)];
    size_t length = unit_random_below(random, unit_random_below(random, 8) == 0 ? most : 8);
    for (size_t i = 0; i < length; i++)
        text[i] = alphabet != NULL ? alphabet[unit_random_below(random, strlen(alphabet))]
                                   : (char)(unit_random_below(random, 255) + 1);
    text[length] = '\0';
}

/* The value, or -1: not a number. Larger than any bound is as good as 2^100. */
static __int128 value_of(const char *text)
{
    static const char units[] = "kKmMgG";
    __int128 value = 0;
    size_t ndigits = strspn(text, "0123456789");
    const char *unit = text[ndigits] != '\0' ? strchr(units, text[ndigits]) : NULL;
    if (ndigits == 0 || text[ndigits + (unit != NULL)] != '\0')
        return -1;
    for (size_t i = 0; i < ndigits && value < (__int128)1 << 90; i++)
        value = value * 10 + (text[i] - '0');
    return unit != NULL ? value << (10 * ((unit - units) / 2 + 1)) : value;
}

static size_t wanted(size_t i, const char *text, bool *silent)
{
    __int128 value = value_of(text);
    *silent = value >= 0 && value >= numbers[i].lowest && value <= numbers[i].highest;
    if (value < 0)
        return numbers[i].standard;
    if (value < numbers[i].lowest)
        return numbers[i].lowest;
    return value > numbers[i].highest ? numbers[i].highest : (size_t)value;
}

/* What is made of a number afterwards. */
static size_t rounded(const size_t *field, size_t value)
{
    if (field == &g_config.hot_size)
        for (size_t power = 1;; power *= 2)
            if (power >= value)
                return power;
    if (field == &g_config.max_span)
        return align_up(value, PAGE_BYTES);
    return field == &g_config.region ? align_down(value, SUPER_BYTES) : value;
}

/* One short line, without control characters, that names the knob. */
static void check_line(const char *said, const char *name)
{
    char start[96];
    snprintf(start, sizeof start, "pagearena: HAKMEM_PAGE_ARENA_%s=", name);
    CHECK(strncmp(said, start, strlen(start)) == 0);
    size_t length = strcspn(said, "\n");
    CHECK(length < 300 && said[length] == '\n' && said[length + 1] == '\0');
    for (size_t i = 0; i < length; i++)
        CHECK((unsigned char)said[i] >= ' ');
}

static void any_number(void)
{
    static char text[200000];
    struct unit_random random = unit_random_seeded(unit_seed(7));
    unit_time_limit(120);
    for (size_t step = 0; step < unit_steps(6000); step++) {
        char variable[64];
        size_t i = unit_random_below(&random, NNUMBERS);
        bool silent;
        random_text(&random, text, step % 100 == 0 ? 99999 : 60);
        unit_context("step %zu: %s=%.100s", step, numbers[i].name, text);
        snprintf(variable, sizeof variable, "HAKMEM_PAGE_ARENA_%s", numbers[i].name);
        CHECK(setenv(variable, text, 1) == 0);
        const char *said = unit_stderr_of(load);
        CHECK(unsetenv(variable) == 0);
        CHECK_EQUAL(*numbers[i].field, rounded(numbers[i].field, wanted(i, text, &silent)));
        if (silent)
            CHECK(*said == '\0');
        else
            check_line(said, numbers[i].name);
    }
}

static void any_text(void)
{
    static char text[200000];
    struct unit_random random = unit_random_seeded(unit_seed(8));
    unit_time_limit(120);
    for (size_t step = 0; step < unit_steps(2000); step++) {
        random_text(&random, text, step % 50 == 0 ? 99999 : 6000);
        unit_context("step %zu: STATS=%.100s", step, text);
        CHECK(setenv("HAKMEM_PAGE_ARENA_STATS", text, 1) == 0);
        const char *said = unit_stderr_of(load);
        if (strlen(text) < CONFIG_TEXT_MAX) {
            CHECK(*said == '\0' && strcmp(g_config.stats, text) == 0);
            continue;
        }
        check_line(said, "STATS");
    }
}

UNIT_MAIN(UNIT_CASE(any_number), UNIT_CASE(any_text))
