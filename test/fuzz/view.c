#include "view.h"

#include <fcntl.h>
#include <string.h>

#include "sys.h"
#include "touch.h"

#define TEXT_MOST (8 << 20)
#define OWN_MOST 256
#define WINDOW_PAGES 4096

static char text[TEXT_MOST];
static struct interval own[OWN_MOST];
static int nown;
static struct interval all[VIEW_MOST];
static unsigned char residency[WINDOW_PAGES];

static size_t slurp(const char *path)
{
    long fd = sys(SYS_open, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
    size_t length = 0;
    long got = 0;
    while (length < TEXT_MOST - 1 && (got = sys(SYS_read, fd, (long)(text + length),
                                                (long)(TEXT_MOST - 1 - length), 0, 0, 0)) > 0)
        length += (size_t)got;
    sys(SYS_close, fd, 0, 0, 0, 0, 0);
    text[length] = '\0';
    return length;
}

static const char *hex(const char *at, uintptr_t *value)
{
    *value = 0;
    for (;; at++) {
        if (*at >= '0' && *at <= '9')
            *value = *value << 4 | (uintptr_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            *value = *value << 4 | (uintptr_t)(*at - 'a' + 10);
        else
            return at;
    }
}

static uint32_t advice_flags(const char *line, const char *end)
{
    static const struct {
        char name[3];
        uint32_t flag;
    } known[] = {{"dc", VIEW_NO_FORK},
                 {"dd", VIEW_NO_DUMP},
                 {"wf", VIEW_WIPED},
                 {"lo", VIEW_LOCKED},
                 {"mg", VIEW_MERGEABLE}};
    uint32_t flags = 0;
    for (line += strlen("VmFlags: "); line + 1 < end; line += 3)
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (line[0] == known[i].name[0] && line[1] == known[i].name[1])
                flags |= known[i].flag;
    return flags;
}

/* All mappings but those at the top of the address space: stack, vdso. */
static int read_all(bool full)
{
    int count = 0;
    slurp(full ? "/proc/self/smaps" : "/proc/self/maps");
    const char *end;
    for (const char *line = text; *line != '\0' && count < VIEW_MOST; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL)
            break;
        if (*line == 'V' && line[2] == 'F' && count > 0)
            all[count - 1].flags |= advice_flags(line, end);
        struct interval one = {0, 0, 0};
        const char *at = hex(line, &one.start);
        if (at == line || *at != '-')
            continue;
        at = hex(at + 1, &one.end);
        if (*at != ' ' || one.end == 0)
            continue;
        one.flags = (at[1] == 'r' ? VIEW_READ : 0u) | (at[2] == 'w' ? VIEW_WRITE : 0u) |
                    (at[3] == 'x' ? VIEW_EXEC : 0u) | (at[4] == 's' ? VIEW_SHARED : 0u);
        if (end[-1] != ']' || end[-6] != 's') /* [stack] */
            all[count++] = one;
    }
    return count;
}

void view_init(void)
{
    nown = read_all(false);
    if (nown > OWN_MOST)
        nown = OWN_MOST;
    memcpy(own, all, (size_t)nown * sizeof *own);
}

bool view_is_own(uintptr_t start, uintptr_t end)
{
    for (int i = 0; i < nown; i++)
        if (own[i].start < end && own[i].end > start)
            return true;
    return false;
}

int view_mappings(uintptr_t start, uintptr_t end)
{
    int count = read_all(false);
    int inside = 0;
    uintptr_t at = start;
    for (int i = 0; i < count && at < end; i++) {
        if (all[i].end <= at)
            continue;
        if (all[i].start > at)
            return 0;
        at = all[i].end;
        inside++;
    }
    return at >= end ? inside : 0;
}

static size_t locked_kb(void)
{
    slurp("/proc/self/status");
    const char *line = strstr(text, "\nVmLck:");
    size_t value = 0;
    for (const char *at = line == NULL ? "" : line + 7; *at != '\0' && *at != '\n'; at++)
        if (*at >= '0' && *at <= '9')
            value = value * 10 + (size_t)(*at - '0');
    return value;
}

/* Whether the page was ever touched, for the window that it lies in. */
static void ask_residency(uintptr_t start, uintptr_t end)
{
    size_t npages = (end - start) / PAGE;
    if (SYS_FAILED(sys(SYS_mincore, (long)start, (long)(end - start), (long)residency, 0, 0, 0)))
        memset(residency, 1, npages);
}

static uintptr_t window_end(uintptr_t start, uintptr_t end)
{
    return end - start > WINDOW_PAGES * PAGE ? start + WINDOW_PAGES * PAGE : end;
}

void view_publish(bool full)
{
    struct shared *shared = g_shared;
    size_t nsums = 0;
    int count = read_all(full);
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (!view_is_own(all[i].start, all[i].end))
            shared->view[kept++] = all[i];
    shared->nview = kept;
    shared->view_full = full;
    for (int i = 0; i < kept; i++) {
        struct interval part = shared->view[i];
        if ((part.flags & (VIEW_READ | VIEW_WRITE)) == 0)
            continue;
        for (uintptr_t next; part.start < part.end; part.start = next) {
            next = window_end(part.start, part.end);
            ask_residency(part.start, next);
            for (uintptr_t page = part.start; page < next && nsums < VIEW_PAGES_MOST; page += PAGE)
                shared->sums[nsums++] =
                    (residency[(page - part.start) / PAGE] & 1) != 0 ? touch_sum(page) : SUM_ABSENT;
        }
    }
    shared->locked_kb = shared->locks_used ? locked_kb() : 0;
}

static bool differs(enum difference_kind kind, uintptr_t addr, uint64_t kernel, uint64_t shim)
{
    struct difference *difference = &g_shared->difference;
    difference->kind = (int)kind;
    difference->addr = addr;
    difference->kernel = (int64_t)kernel;
    difference->shim = (int64_t)shim;
    return false;
}

static bool verify_content(struct interval part, size_t *nsums)
{
    for (uintptr_t next; part.start < part.end; part.start = next) {
        next = window_end(part.start, part.end);
        ask_residency(part.start, next);
        for (uintptr_t page = part.start; page < next && *nsums < VIEW_PAGES_MOST; page += PAGE) {
            uint64_t want = g_shared->sums[(*nsums)++];
            bool absent = (residency[(page - part.start) / PAGE] & 1) == 0;
            if (absent && want == SUM_ABSENT)
                continue;
            if (want == SUM_ABSENT)
                want = touch_sum_of_zeros();
            uint64_t got = touch_sum(page);
            if (got != want)
                return differs(DIFFERENCE_CONTENT, page, want, got);
        }
    }
    return true;
}

/* Every mapping of the plain process is here too, and alike. */
static bool verify_mappings(int count)
{
    size_t nsums = 0;
    int at = 0;
    for (int i = 0; i < g_shared->nview; i++) {
        struct interval want = g_shared->view[i];
        uintptr_t from = want.start;
        while (at < count && all[at].end <= from)
            at++;
        for (int here = at; from < want.end; from = all[here++].end) {
            if (here == count || all[here].start > from)
                return differs(DIFFERENCE_MISSING, from, want.flags, 0);
            if (all[here].flags != want.flags)
                return differs(DIFFERENCE_PROTECTION, from, want.flags, all[here].flags);
        }
        if ((want.flags & (VIEW_READ | VIEW_WRITE)) != 0 && !verify_content(want, &nsums))
            return false;
    }
    return true;
}

/* The pages of a slot that the plain process has not mapped are not accessible here. */
static bool verify_guarded(struct interval slot, int count)
{
    uintptr_t from = slot.start;
    for (int i = 0; i <= g_shared->nview && from < slot.end; i++) {
        struct interval live = {slot.end, slot.end, 0};
        if (i < g_shared->nview)
            live = g_shared->view[i];
        uintptr_t to = live.start < slot.end ? live.start : slot.end;
        for (int j = 0; from < to && j < count; j++)
            if (all[j].start < to && all[j].end > from &&
                (all[j].flags & (VIEW_READ | VIEW_WRITE | VIEW_EXEC)) != 0)
                return differs(DIFFERENCE_GUARD, all[j].start > from ? all[j].start : from, 0,
                               all[j].flags);
        if (live.end > from)
            from = live.end;
    }
    return true;
}

bool view_verify(const struct interval *slots, int nslots)
{
    int count = read_all(g_shared->view_full);
    if (!verify_mappings(count))
        return false;
    for (int i = 0; i < nslots; i++)
        if (!verify_guarded(slots[i], count))
            return false;
    if (g_shared->locks_used) {
        size_t locked = locked_kb();
        if (locked != g_shared->locked_kb)
            return differs(DIFFERENCE_LOCKED, 0, g_shared->locked_kb, locked);
    }
    return true;
}
