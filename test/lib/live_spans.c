/*
 * usage: live_spans LIVE BYTES CYCLES
 *
 * So many spans of 64 KB stay live, with a hole of 64 KB behind every second one; then so many
 * cycles of allocating and freeing BYTES. For scaling.bats, which counts instructions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "page_arena.h"

#define SPAN ((size_t)64 << 10)

/*
 * Instead of libc's, for the library too: it clears no spans. That costs the same whatever is
 * live, far more than the rest, and would hide what is looked for. The spans are never written.
 */
void *memset(void *p, int byte, size_t nbytes)
{
    volatile char *at = p;
    for (size_t i = 0; nbytes < 4096 && i < nbytes; i++)
        at[i] = (char)byte;
    return p;
}

static void *alloc(size_t nbytes)
{
    void *p = page_arena_alloc_pages(NULL, nbytes);
    if (p == NULL) {
        fprintf(stderr, "live_spans: no memory\n");
        exit(1);
    }
    return p;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    size_t live = strtoul(argv[1], NULL, 10);
    size_t nbytes = strtoul(argv[2], NULL, 10);
    size_t cycles = strtoul(argv[3], NULL, 10);
    size_t count = live + live / 2;
    void **spans = calloc(count, sizeof *spans);
    for (size_t i = 0; i < count; i++)
        spans[i] = alloc(SPAN);
    for (size_t i = 2; i < count; i += 3)
        page_arena_free_pages(NULL, spans[i], SPAN);
    for (size_t i = 0; i < cycles; i++)
        page_arena_free_pages(NULL, alloc(nbytes), nbytes);
    free(spans);
    return 0;
}
