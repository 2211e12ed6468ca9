/* Of 600 MB mapped and unmapped in many sizes at most 180 MB stay resident. */
#include "prog.h"

#define MOST_MB 180

static void touch(char *p, size_t nbytes)
{
    for (size_t at = 0; at < nbytes; at += PAGE)
        p[at] = 1;
}

/* Maps so much in pieces of these sizes, all at once, and unmaps them: every eighth one first. */
static void fill_and_drop(size_t most, const size_t *npages, size_t nsizes)
{
    static struct {
        char *p;
        size_t nbytes;
    } pieces[100000];
    size_t count = 0;
    for (size_t total = 0; total < most; total += pieces[count++].nbytes) {
        pieces[count].nbytes = npages[count % nsizes] * PAGE;
        touch(pieces[count].p = map(pieces[count].nbytes), pieces[count].nbytes);
    }
    for (size_t i = 0; i < count; i += 8)
        unmap(pieces[i].p, pieces[i].nbytes);
    for (size_t i = 0; i < count; i++)
        if (i % 8 != 0)
            unmap(pieces[i].p, pieces[i].nbytes);
}

int main(void)
{
    static const size_t mixed[] = {1, 3, 512, 5, 16, 17, 2048, 40, 32, 100, 511, 700, 8192, 1, 16};
    static const size_t page = 1, span = 16;
    struct {
        const char *name;
        const size_t *npages;
        size_t count;
        size_t nbytes;
    } runs[] = {{"many sizes", mixed, COUNT(mixed), 600 * MB},
                {"pages", &page, 1, 240 * MB},
                {"64 KB", &span, 1, 240 * MB}};
    unmap(map_served(PAGE), PAGE);
    long before = status_kb("VmRSS:") / 1024;
    for (size_t i = 0; i < COUNT(runs); i++) {
        fill_and_drop(runs[i].nbytes, runs[i].npages, runs[i].count);
        long more = status_kb("VmRSS:") / 1024 - before;
        printf("%s: %s\n", runs[i].name, more <= MOST_MB ? "bounded" : "too much");
        if (more > MOST_MB)
            printf("%ld MB\n", more);
    }
}
