#include "guard.h"

#include "config.h"
#include "message.h"
#include "os.h"
#include "region.h"

struct event {
    size_t first;
    size_t npages;
    uint64_t when_ms;
    long thread;
};

static struct event *events;
static size_t nevents;

void guard_init(void)
{
    if (g_config.guard != 0)
        events = os_map_table(GUARD_EVENTS * sizeof *events);
}

void guard_note(size_t first, size_t npages)
{
    if (events == NULL)
        return;
    size_t n = __atomic_fetch_add(&nevents, 1, __ATOMIC_RELAXED);
    events[n % GUARD_EVENTS] = (struct event){first, npages, os_now_ms(), os_thread_id()};
}

/* The last event of this page; NULL: none is known. */
static const struct event *find(size_t page)
{
    size_t n = __atomic_load_n(&nevents, __ATOMIC_RELAXED);
    for (size_t kept = min_size(n, GUARD_EVENTS); events != NULL && kept != 0; kept--) {
        const struct event *event = &events[--n % GUARD_EVENTS];
        if (page - event->first < event->npages)
            return event;
    }
    return NULL;
}

static void add_seconds(struct message *message, uint64_t ms)
{
    static const char digits[] = "0123456789";
    message_add_number(message, ms / 1000);
    message_add(message,
                (char[]){'.', digits[ms / 100 % 10], digits[ms / 10 % 10], digits[ms % 10], '\0'});
}

static void add_address(struct message *message, uintptr_t addr)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = "0x000000000000";
    for (size_t i = sizeof text - 2; i >= 2; i--, addr >>= 4)
        text[i] = digits[addr & 15];
    message_add(message, text);
}

void guard_report(uintptr_t addr)
{
    struct message message;
    if (!region_owns(addr) || page_map_any(PAGE_LIVE, region_page(addr), 1))
        return;
    const struct event *event = find(region_page(addr));
    message_init(&message);
    message_add(&message, "pagearena: thread ");
    message_add_number(&message, (uint64_t)os_thread_id());
    message_add(&message, " uses ");
    add_address(&message, addr);
    if (event == NULL) {
        message_add(&message, ", which is not mapped\n");
    } else {
        message_add(&message, ", which thread ");
        message_add_number(&message, (uint64_t)event->thread);
        message_add(&message, " unmapped ");
        add_seconds(&message, os_now_ms() - event->when_ms);
        message_add(&message, " s ago, with ");
        message_add_number(&message, event->npages * PAGE_BYTES);
        message_add(&message, " bytes from ");
        add_address(&message, (uintptr_t)region_addr(event->first));
        message_add(&message, "\n");
    }
    message_write(&message, 2);
}
