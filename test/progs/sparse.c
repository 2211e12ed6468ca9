/*
 * Fills 8 MB, so that it counts as a program that uses memory, and then takes spans of which it touches
 * little: one page in 64. What it does besides:
 *
 *     part      it gives one of the touched pages back at once
 *     whole     it has touched all of a span, given it back, and then touches as little
 *     stride    it touches one page in 21
 *     later     it takes all of the spans before it touches any
 *     threads   as many threads do that, each with one span, at the same time
 *     split     it has filled 20 spans before, 20 times, and kept a page of each
 *     stuck     it touches little of the first two only, and all of the others
 *
 * usage: sparse COUNT KB [part | whole | stride | later | threads | split | stuck]
 */
#include "prog.h"
#include <pthread.h>

#define COUNT_MOST 200

static size_t nbytes;
static pthread_barrier_t all_here;

static void touch(char *span, size_t npages)
{
    for (size_t at = 0; at < nbytes; at += npages * PAGE)
        span[at] = 1;
}

static void *map_and_touch(void *unused)
{
    pthread_barrier_wait(&all_here);
    touch(map(nbytes), 64);
    return unused;
}

static void in_threads(size_t count)
{
    pthread_t threads[COUNT_MOST];
    expect(pthread_barrier_init(&all_here, NULL, (unsigned)count) == 0);
    for (size_t i = 0; i < count; i++)
        expect(pthread_create(&threads[i], NULL, map_and_touch, NULL) == 0);
    for (size_t i = 0; i < count; i++)
        expect(pthread_join(threads[i], NULL) == 0);
}

static void fill_and_split(void)
{
    for (size_t i = 0; i < 20 * 20; i++) {
        char *span = map(2 * MB);
        fill(span, 2 * MB, 1);
        expect(madvise(span + PAGE, 2 * MB - PAGE, MADV_DONTNEED) == 0);
    }
}

int main(int argc, char **argv)
{
    expect(argc == 3 || argc == 4);
    size_t count = strtoul(argv[1], NULL, 10);
    const char *how = argc == 4 ? argv[3] : "";
    char *spans[COUNT_MOST];
    expect(count <= COUNT_MOST);
    nbytes = strtoul(argv[2], NULL, 10) * 1024;
    fill(map(8 * MB), 8 * MB, 1);
    if (strcmp(how, "threads") == 0) {
        in_threads(count);
        return 0;
    }
    if (strcmp(how, "split") == 0)
        fill_and_split();
    for (size_t i = 0; i < count; i++) {
        spans[i] = map(nbytes);
        if (strcmp(how, "later") == 0)
            continue;
        if (strcmp(how, "whole") == 0) {
            fill(spans[i], nbytes, 1);
            expect(madvise(spans[i], nbytes, MADV_DONTNEED) == 0);
        }
        if (strcmp(how, "stuck") == 0 && i >= 2)
            fill(spans[i], nbytes, 1);
        touch(spans[i], strcmp(how, "stride") == 0 ? 21 : 64);
        if (strcmp(how, "part") == 0)
            expect(madvise(spans[i], PAGE, MADV_DONTNEED) == 0);
    }
    if (strcmp(how, "later") == 0)
        for (size_t i = 0; i < count; i++)
            touch(spans[i], 64);
    return 0;
}
