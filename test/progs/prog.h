/*
 * What the programs of contract.bats share. Each makes its calls, checks by itself what it can,
 * and prints what any Linux would print: results and errno names, never addresses or times.
 */
#ifndef PROG_H
#define PROG_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define MB ((size_t)1 << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Also fit for signal handlers and forked children. */
#define expect(condition) ((condition) ? (void)0 : wrong(__FILE__, __LINE__, #condition))

static inline void wrong(const char *file, int line, const char *condition)
{
    dprintf(2, "%s:%d: wrong: %s (%s)\n", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line,
            condition, strerrorname_np(errno));
    _exit(1);
}

/* "what: ok", or "what: ENOMEM" from errno. */
static inline void show(const char *what, bool ok)
{
    printf("%s: %s\n", what, ok ? "ok" : strerrorname_np(errno));
    fflush(stdout);
}

static inline bool arena_is_on(void)
{
    const char *enable = getenv("HAKMEM_PAGE_ARENA_ENABLE");
    return enable != NULL && strcmp(enable, "1") == 0;
}

static inline bool is_ours(const void *addr)
{
    return (uintptr_t)addr >= 0x200000000000 && (uintptr_t)addr < 0x400000000000;
}

/* Plain memory, wherever it comes from. */
static inline char *map(size_t nbytes)
{
    char *p = mmap(NULL, nbytes, RW, ANON, -1, 0);
    expect(p != MAP_FAILED);
    return p;
}

/* Plain memory that the arena must have served, so that what follows is about it. */
static inline char *map_served(size_t nbytes)
{
    bool tiny = getenv("HAKMEM_PAGE_ARENA_REGION") != NULL;
    char *p = map(nbytes);
    expect(!arena_is_on() || nbytes > (tiny ? 2 : 32) * MB || is_ours(p));
    return p;
}

static inline void unmap(void *p, size_t nbytes)
{
    expect(munmap(p, nbytes) == 0);
}

/* Every page has a byte of its own, never zero. */
static inline void fill(char *p, size_t nbytes, size_t seed)
{
    for (size_t at = 0; at < nbytes; at += PAGE)
        memset(p + at, (int)((seed + at / PAGE) % 255 + 1),
               nbytes - at < PAGE ? nbytes - at : PAGE);
}

static inline bool is_all(const char *p, size_t nbytes, int byte)
{
    return nbytes == 0 || (*p == (char)byte && memcmp(p, p + 1, nbytes - 1) == 0);
}

static inline bool is_filled(const char *p, size_t nbytes, size_t seed)
{
    bool ok = true;
    for (size_t at = 0; at < nbytes; at += PAGE)
        ok &= is_all(p + at, nbytes - at < PAGE ? nbytes - at : PAGE,
                     (int)((seed + at / PAGE) % 255 + 1));
    return ok;
}

static inline bool is_zero(const char *p, size_t nbytes)
{
    return is_all(p, nbytes, 0);
}

/* Whether the kernel, or who answers for it, says that all of these pages are mapped. */
static inline bool is_mapped(void *p, size_t npages)
{
    static unsigned char residency[1 << 16];
    int before = errno;
    bool mapped = mincore(p, npages * PAGE, residency) == 0;
    errno = before;
    return mapped;
}

/*
 * Takes spans, of the sizes that are cached and then single pages, until all of [p, p + nbytes),
 * which is unmapped, has come back: it is zero and can be written. With the arena on it must come
 * back; elsewhere it may.
 */
static inline void reuse(char *p, size_t nbytes)
{
    static const size_t sizes[] = {512 * PAGE, 32 * PAGE, 16 * PAGE, 15 * PAGE, 14 * PAGE,
                                   13 * PAGE,  12 * PAGE, 11 * PAGE, 10 * PAGE, 9 * PAGE,
                                   8 * PAGE,   7 * PAGE,  6 * PAGE,  5 * PAGE,  4 * PAGE,
                                   3 * PAGE,   2 * PAGE,  PAGE};
    static struct {
        char *p;
        size_t nbytes;
    } spans[1 << 15];
    bool must = arena_is_on() && is_ours(p);
    size_t count = 0, missing = nbytes;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bool last = i + 1 == COUNT(sizes);
        size_t most = count + (last && must ? COUNT(spans) : nbytes / sizes[i] + 4);
        for (; nbytes >= sizes[i] && missing != 0 && count < most; count++) {
            expect(count < COUNT(spans));
            char *span = map(sizes[i]);
            expect(is_zero(span, sizes[i]));
            memset(span, 0xee, sizes[i]);
            for (size_t at = 0; at < sizes[i]; at += PAGE)
                missing -= span + at >= p && span + at < p + nbytes ? PAGE : 0;
            spans[count].p = span;
            spans[count].nbytes = sizes[i];
        }
    }
    while (count-- != 0)
        unmap(spans[count].p, spans[count].nbytes);
}

/* A number of /proc/self/status, such as "VmRSS:", in kilobytes. */
static inline long status_kb(const char *name)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name), NULL, 10);
    fclose(status);
    return kb;
}

static inline size_t count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t count = 0;
    while (fgets(line, sizeof line, maps) != NULL)
        count++;
    fclose(maps);
    return count;
}

/* Runs f in a child made by fork; whether it ended well. */
static inline bool child_does(void (*f)(void *), void *argument)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    expect(pid >= 0);
    if (pid == 0) {
        f(argument);
        _exit(0);
    }
    expect(waitpid(pid, &status, 0) == pid);
    return status == 0;
}

#endif
