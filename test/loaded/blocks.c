/*
 * A library that gives blocks and takes them, by itself and through libc. Opened with
 * RTLD_DEEPBIND it would find glibc's malloc before anybody else's.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *give(size_t nbytes)
{
    char *p = malloc(nbytes);
    return p == NULL ? NULL : memset(p, 0x5a, nbytes);
}

char *give_text(size_t length)
{
    char *text = NULL;
    return asprintf(&text, "%0*d", (int)length, 7) < 0 ? NULL : text;
}

char *give_aligned(size_t nbytes)
{
    void *p = NULL;
    return posix_memalign(&p, 4096, nbytes) == 0 ? memset(p, 0x5a, nbytes) : NULL;
}

char *resize(char *p, size_t nbytes)
{
    return realloc(p, nbytes);
}

size_t usable(char *p)
{
    return malloc_usable_size(p);
}

void take(char *p)
{
    free(p);
}

static char *kept;

__attribute__((constructor)) static void at_start(void)
{
    kept = give(1 << 20);
}

__attribute__((destructor)) static void at_end(void)
{
    for (size_t i = 0; i < 1 << 20; i++)
        if (kept[i] != 0x5a)
            abort();
    free(kept);
}
