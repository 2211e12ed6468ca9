/*
 * Text without stdio: built in a fixed buffer, written with one write(2).
 *
 * Safe in every place the shim runs in: before libc is ready, in signal handlers, inside malloc.
 * A text that does not fit is cut.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "defs.h"

struct message {
    size_t length;
    char text[4096];
};

void message_init(struct message *message);
void message_add(struct message *message, const char *text);
void message_add_number(struct message *message, uint64_t number);

/* A path in which "%p" stands for the process id, with a 0 at its end. False: it is too long. */
bool message_expand(struct message *path, const char *pattern);

/* False: it could not be written whole. The message is empty afterwards. */
bool message_write(struct message *message, int fd);

#endif
