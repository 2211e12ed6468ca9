#include "message.h"

#include "os.h"

void message_init(struct message *message)
{
    message->length = 0;
}

void message_add(struct message *message, const char *text)
{
    while (*text != '\0' && message->length < sizeof message->text)
        message->text[message->length++] = *text++;
}

void message_add_number(struct message *message, uint64_t number)
{
    char digits[24];
    char *digit = digits + sizeof digits - 1;
    *digit = '\0';
    do
        *--digit = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    message_add(message, digit);
}

bool message_expand(struct message *path, const char *pattern)
{
    message_init(path);
    for (; *pattern != '\0' && path->length < sizeof path->text - 32; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            message_add_number(path, (uint64_t)os_process_id());
            pattern++;
        } else {
            message_add(path, (char[]){*pattern, '\0'});
        }
    }
    path->text[path->length] = '\0';
    return *pattern == '\0';
}

bool message_write(struct message *message, int fd)
{
    bool whole = os_write(fd, message->text, message->length);
    message->length = 0;
    return whole;
}

void invariant_broken(const char *what, const char *file, int line)
{
    struct message message;
    message_init(&message);
    message_add(&message, "pagearena: broken invariant: ");
    message_add(&message, what);
    message_add(&message, " at ");
    message_add(&message, file);
    message_add(&message, ":");
    message_add_number(&message, (uint64_t)line);
    message_add(&message, "\n");
    message_write(&message, 2);
    __builtin_trap();
}
