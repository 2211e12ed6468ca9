#include "publish.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "message.h"
#include "os.h"
#include "region.h"
#include "thread.h"

/* Time between updates: what it takes to count the pages is a few thousandths of it. */
#define INTERVAL_MS 20
#define PAGES_PER_MS (64 * MIB / PAGE_BYTES)

_Static_assert(sizeof(struct publish_page) == 42 * sizeof(uint64_t),
               "scripts/lib/pagearena/published.py reads it");

static struct message directory SELDOM;

/* The mapped file, NULL where there is none, and what was last written to it. */
static struct publish_page *shared;
static struct publish_page page;

/* One thread at a time publishes; a child of fork(2) begins anew. */
static bool publishing;
static bool anew;
static uint64_t due_ms;

/* The number of a field of /proc/self/stat; the name, which may hold anything, is the second. */
static uint64_t stat_field(const char *text, int field)
{
    const char *at = strrchr(text, ')');
    uint64_t value = 0;
    for (int at_field = 2; at != NULL && at_field < field; at_field++)
        if ((at = strchr(at, ' ')) != NULL)
            at++;
    for (; at != NULL && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

static void identify(void)
{
    char text[1024];
    os_read_file("/proc/self/stat", text, sizeof text);
    page = (struct publish_page){.magic = PUBLISH_MAGIC,
                                 .version = PUBLISH_VERSION,
                                 .nbytes = sizeof page,
                                 .pid = (uint64_t)os_process_id(),
                                 .start_time = stat_field(text, 22),
                                 .start_stack = stat_field(text, 28),
                                 .pid_namespace = os_inode("/proc/self/ns/pid")};
    const char *name = strchr(text, '(');
    const char *end = strrchr(text, ')');
    for (size_t i = 0; name != NULL && ++name < end && i < PUBLISH_NAME - 1; i++)
        page.name[i] = *name;
}

static void update(uint64_t now)
{
    if (!stats_collect(&page.stats, NULL, false))
        return;
    page.updates = ++page.again;
    page.updated_ms = now;
    page.live_peak = max_size(page.live_peak, page.stats.live);
    if (!os_copy_out(shared, &page, sizeof page))
        shared = NULL;
}

/* False: the directory is not to be had, or not to be trusted. */
static bool open_page(void)
{
    struct message name;
    int folder = os_own_directory(directory.text);
    if (folder < 0)
        return false;
    identify();
    message_expand(&name, "%p");
    shared = os_share(folder, name.text, PAGE_BYTES);
    os_close(folder);
    return shared != NULL;
}

static void begin_anew(void)
{
    if (shared != NULL)
        os_unmap(shared, PAGE_BYTES);
    shared = NULL;
    open_page();
}

/* In a process that shares its memory with the one that publishes, or has a copy, it is silent. */
static void publish(uint64_t now)
{
    if (anew)
        begin_anew();
    anew = false;
    if (shared != NULL && (uint64_t)os_process_id() == page.pid)
        update(now);
}

static void look(void)
{
    uint64_t now = os_now_ms();
    if (now < __atomic_load_n(&due_ms, __ATOMIC_RELAXED) ||
        __atomic_exchange_n(&publishing, true, __ATOMIC_ACQUIRE))
        return;
    publish(now);
    __atomic_store_n(&due_ms, now + INTERVAL_MS + region_used_pages() / PAGES_PER_MS,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&publishing, false, __ATOMIC_RELEASE);
}

static void begin_in_child(void)
{
    anew = true;
    publishing = false;
    due_ms = 0;
}

static bool try_directory(const char *start, bool of_user, const char *end)
{
    message_init(&directory);
    message_add(&directory, start);
    if (of_user)
        message_add_number(&directory, os_user_id());
    message_add(&directory, end);
    if (directory.length > sizeof directory.text - 32)
        return false;
    directory.text[directory.length] = '\0';
    return open_page();
}

static bool try_user_directories(void)
{
    const char *given = secure_getenv("XDG_RUNTIME_DIR");
    return (given != NULL && *given == '/' && try_directory(given, false, "/pagearena")) ||
           try_directory("/run/user/", true, "/pagearena") ||
           try_directory("/tmp/pagearena-", true, "");
}

void publish_init(void)
{
    struct message message;
    const char *wanted = g_config.publish;
    if (*wanted == '\0' || strcmp(wanted, "0") == 0)
        return;
    bool open =
        strcmp(wanted, "1") == 0 ? try_user_directories() : try_directory(wanted, false, "");
    if (!open || pthread_atfork(NULL, NULL, begin_in_child) != 0) {
        message_init(&message);
        message_add(&message, "pagearena: cannot publish in ");
        message_add(&message, directory.text);
        message_add(&message, "\n");
        message_write(&message, 2);
        return;
    }
    update(os_now_ms());
    thread_look_with(look);
}

__attribute__((destructor)) static void fini(void)
{
    struct message path;
    if (shared == NULL || (uint64_t)os_process_id() != page.pid)
        return;
    message_init(&path);
    message_add(&path, directory.text);
    message_add(&path, "/");
    message_add_number(&path, page.pid);
    path.text[path.length] = '\0';
    os_remove(path.text);
}
