#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

#define PREFIX "HAKMEM_PAGE_ARENA_"

#define DEFAULT(name, shown, standard, lowest, highest, field) .field = (standard),
#define DEFAULT_TEXT(name, shown, field) .field = "",
struct config g_config = {CONFIG_NUMBERS(DEFAULT) CONFIG_TEXTS(DEFAULT_TEXT)};
#undef DEFAULT
#undef DEFAULT_TEXT

#define COPY(name, shown, field) static char copy_of_##field[CONFIG_TEXT_MAX] SELDOM;
CONFIG_TEXTS(COPY)
#undef COPY

#define CHECK(name, shown, standard, lowest, highest, field)                                       \
    _Static_assert((lowest) <= (standard) && (standard) <= (highest), #name);
CONFIG_NUMBERS(CHECK)
#undef CHECK

/* Long values are shown shortened, so that one line stays one line. */
#define SHOWN_MAX 64

/* Says what is used instead: a word, or else a number. */
static void complain(const char *name, const char *text, const char *problem, const char *word,
                     size_t number)
{
    struct message message;
    char shown[SHOWN_MAX + 1];
    size_t length = 0;
    for (; length < SHOWN_MAX && text[length] != '\0'; length++)
        shown[length] = (unsigned char)text[length] < ' ' ? '?' : text[length];
    shown[length] = '\0';

    message_init(&message);
    message_add(&message, "pagearena: " PREFIX);
    message_add(&message, name);
    message_add(&message, "=");
    message_add(&message, shown);
    message_add(&message, text[length] == '\0' ? " " : "... ");
    message_add(&message, problem);
    message_add(&message, ", using ");
    if (word != NULL)
        message_add(&message, word);
    else
        message_add_number(&message, number);
    message_add(&message, "\n");
    message_write(&message, 2);
}

/* True if `text` is a number; one too large for a size_t becomes SIZE_MAX. */
static bool parse(const char *text, size_t *number)
{
    size_t value = 0;
    bool overflow = false;
    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        overflow |= __builtin_mul_overflow(value, (size_t)10, &value);
        overflow |= __builtin_add_overflow(value, (size_t)(*text - '0'), &value);
    }
    size_t unit = 1;
    switch (*text) {
    case 'k':
    case 'K':
        unit = KIB;
        break;
    case 'm':
    case 'M':
        unit = MIB;
        break;
    case 'g':
    case 'G':
        unit = GIB;
        break;
    default:
        break;
    }
    text += unit != 1;
    overflow |= __builtin_mul_overflow(value, unit, &value);
    *number = overflow ? SIZE_MAX : value;
    return *text == '\0';
}

static size_t read_number(const char *name, const char *variable, size_t standard, size_t lowest,
                          size_t highest)
{
    const char *text = secure_getenv(variable);
    size_t number;
    if (text == NULL)
        return standard;
    if (highest == CONFIG_PERIOD_MOST && strcmp(text, "-1") == 0)
        return CONFIG_NEVER;
    if (!parse(text, &number)) {
        complain(name, text, "is not a whole number", NULL, standard);
        return standard;
    }
    if (number < lowest || number > highest) {
        size_t used = number < lowest ? lowest : highest;
        complain(name, text, number < lowest ? "is too small" : "is too large", NULL, used);
        return used;
    }
    return number;
}

/* The first word is the default. */
static size_t read_choice(const char *name, const char *variable, const char *const *words,
                          size_t count)
{
    const char *text = secure_getenv(variable);
    for (size_t i = 0; text != NULL && i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    if (text != NULL)
        complain(name, text, "is none of the words it may be", words[0], 0);
    return 0;
}

static const char *read_text(const char *name, const char *variable, char *copy)
{
    const char *text = secure_getenv(variable);
    size_t length = text != NULL ? strnlen(text, CONFIG_TEXT_MAX) : 0;
    if (length == 0)
        return "";
    if (length == CONFIG_TEXT_MAX) {
        complain(name, text, "is too long", NULL, 0);
        return "";
    }
    return memcpy(copy, text, length + 1);
}

void config_load_switch(void)
{
    static bool loaded;
    if (loaded)
        return;
    loaded = true;
    g_config.enable = read_number("ENABLE", PREFIX "ENABLE", 0, 0, 1) != 0;
    g_config.only = read_text("ONLY", PREFIX "ONLY", copy_of_only);
}

void config_load(void)
{
    config_load_switch();
#define READ(name, shown, standard, lowest, highest, field)                                        \
    g_config.field = read_number(#name, PREFIX #name, standard, lowest, highest);
    CONFIG_NUMBERS(READ)
#undef READ
#define READ(name, shown, field, ...)                                                              \
    static const char *const words_of_##field[] = {__VA_ARGS__};                                   \
    g_config.field = read_choice(#name, PREFIX #name, words_of_##field,                            \
                                 sizeof words_of_##field / sizeof *words_of_##field);
    CONFIG_CHOICES(READ)
#undef READ
#define READ(name, shown, field) g_config.field = read_text(#name, PREFIX #name, copy_of_##field);
    CONFIG_TEXTS(READ)
#undef READ
    g_config.hot_size = (size_t)1 << (64 - __builtin_clzl(g_config.hot_size - 1));
    g_config.max_span = align_up(g_config.max_span, PAGE_BYTES);
    g_config.region = align_down(g_config.region, SUPER_BYTES);
}

void config_log(void)
{
    struct message message;
    if (HAKMEM_BUILD_RELEASE)
        return;
    message_init(&message);
#define LOG(name, shown, standard, lowest, highest, field)                                         \
    message_add(&message, "[PageArena-INIT] " #name "=");                                          \
    message_add_number(&message, g_config.field);                                                  \
    message_add(&message, "\n");
    CONFIG_NUMBERS(LOG)
#undef LOG
    message_write(&message, 2);
}
