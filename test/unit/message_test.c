#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "unit.h"

static struct message message;
static int ends[2];

/* What has been written to the pipe. */
static const char *written(void)
{
    static char text[8192];
    CHECK(close(ends[1]) == 0);
    size_t length = 0;
    ssize_t more;
    while ((more = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)more;
    CHECK(more == 0);
    text[length] = '\0';
    return text;
}

static void texts_and_numbers(void)
{
    CHECK(pipe(ends) == 0);
    message_init(&message);
    message_add(&message, "a ");
    message_add_number(&message, 0);
    message_add(&message, "");
    message_add(&message, " ");
    message_add_number(&message, 10);
    message_add(&message, " ");
    message_add_number(&message, UINT64_MAX);
    CHECK(message_write(&message, ends[1]));
    CHECK_EQUAL(message.length, 0);
    CHECK(strcmp(written(), "a 0 10 18446744073709551615") == 0);
}

static void too_long_is_cut(void)
{
    CHECK(pipe(ends) == 0);
    message_init(&message);
    for (int i = 0; i < 1000; i++)
        message_add(&message, "0123456789");
    CHECK_EQUAL(message.length, sizeof message.text);
    message_add_number(&message, 7);
    CHECK(message_write(&message, ends[1]));
    CHECK_EQUAL(strlen(written()), sizeof message.text);
}

static long write_of_one_byte(const long *arguments)
{
    long one[6] = {arguments[0], arguments[1], 1, 0, 0, 0};
    return fake_real(SYS_write, one);
}

static void short_writes_go_on(void)
{
    CHECK(pipe(ends) == 0);
    fake_handle(SYS_write, write_of_one_byte);
    message_init(&message);
    message_add(&message, "in pieces");
    CHECK(message_write(&message, ends[1]));
    CHECK_EQUAL(fake_count(SYS_write), 9);
    CHECK(strcmp(written(), "in pieces") == 0);
}

static void failure_is_told(void)
{
    message_init(&message);
    message_add(&message, "x");
    CHECK(!message_write(&message, -1));
    CHECK_EQUAL(message.length, 0);
    message_add(&message, "x");
    fake_fail(SYS_write, 1, 1, ENOSPC);
    CHECK(!message_write(&message, 2));
}

static int status;

static void break_invariant(void)
{
    invariant_broken("a < b", "file.c", 12);
}

static void break_in_child(void)
{
    status = unit_child_status(break_invariant);
}

static void invariant_says_where_and_ends(void)
{
    const char *text = unit_stderr_of(break_in_child);
    CHECK(strstr(text, "pagearena: broken invariant: a < b at file.c:12\n") != NULL);
    CHECK(status != 0);
}

UNIT_MAIN(UNIT_CASE(texts_and_numbers), UNIT_CASE(too_long_is_cut), UNIT_CASE(short_writes_go_on),
          UNIT_CASE(failure_is_told), UNIT_CASE(invariant_says_where_and_ends))
