/* A library that says where it is (WHERE), and opens others on its caller's behalf. */
#include <dlfcn.h>
#include <stdlib.h>

const char *where(void)
{
    return WHERE;
}

/* Not as its last act: by a tail call it would be its caller who asks. */
void *open_it(const char *name)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    __asm__ volatile("" : "+r"(library));
    return library;
}

/* A block that lives and dies with this library's own malloc, whichever that is. */
int use_heap(void)
{
    for (size_t nbytes = 1; nbytes < 8 << 20; nbytes = nbytes * 3 + 1) {
        char *p = malloc(nbytes), *q = calloc(nbytes, 1);
        if (p == NULL || q == NULL || q[nbytes - 1] != 0)
            return 0;
        for (size_t i = 0; i < nbytes; i += 1000)
            p[i] = q[i] = 1;
        if ((p = realloc(p, 2 * nbytes)) == NULL || p[0] != 1)
            return 0;
        free(p);
        free(q);
    }
    return 1;
}
