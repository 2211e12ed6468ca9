/* An allocator on the library: its malloc is made of pages of the arena. */
#define _GNU_SOURCE
#include "../../arena/page_arena.h"
#include <string.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
void *malloc(size_t n) { size_t *p = page_arena_alloc_pages(NULL, n + 16); if (!p) return NULL; *p = n + 16; return p + 2; }
void free(void *p) { if (p) { size_t *q = (size_t *)p - 2; page_arena_free_pages(NULL, q, *q); } }
void *calloc(size_t a, size_t b) { return malloc(a * b); }
void *realloc(void *p, size_t n) { void *q = malloc(n); if (p) { size_t had = ((size_t *)p)[-2] - 16; memcpy(q, p, had < n ? had : n); free(p); } return q; }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
int main(void)
{
    double start = now();
    free(malloc(100000));
    if (fork() == 0) { start = now(); free(malloc(100000)); char b[50]; int n = sprintf(b, "child's first malloc %.3f s\n", now() - start); write(1, b, n); _exit(0); }
    char b[50]; int n = sprintf(b, "first malloc %.3f s\n", now() - start); write(1, b, n);
    usleep(300000);
}
