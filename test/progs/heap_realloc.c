/* realloc: from every size to every other the contents stay, on both sides of every border. */
#include "heap.h"

/* A pattern that, unlike fill()'s, has the same byte at the same place whatever the length. */
static void mark(char *p, size_t nbytes)
{
    for (size_t at = 0; at < nbytes; at += at % PAGE == PAGE - 1 || at + 1 >= nbytes ? 1 : 1021)
        p[at] = (char)(at / 1021 % 251 + 1);
}

static bool is_marked(const char *p, size_t nbytes, size_t of)
{
    for (size_t at = 0; at < nbytes && at + 1 < of;
         at += at % PAGE == PAGE - 1 || at + 1 >= of ? 1 : 1021)
        if (p[at] != (char)(at / 1021 % 251 + 1))
            return false;
    return true;
}

static char *resized(char *p, size_t nbytes)
{
    p = opaque(realloc(p, opaque(nbytes)));
    expect(p != NULL && is_aligned(p, 16) && malloc_usable_size(p) >= nbytes);
    return p;
}

static void between(size_t from, size_t to)
{
    char *p = block(from);
    mark(p, from);
    p = resized(p, to);
    expect(is_marked(p, from < to ? from : to, from));
    memset(p, 0xcc, malloc_usable_size(p));
    free(p);
}

int main(void)
{
    for (size_t i = 1; i < COUNT(heap_sizes); i++)
        for (size_t j = 1; j < COUNT(heap_sizes); j++)
            between(heap_sizes[i], heap_sizes[j]);

    /* A grown block is served, a shrunken one need not have moved but is small if it has. */
    char *p = resized(block(100), MB);
    expect_served(p, MB);
    p = resized(p, 8 * MB);
    expect_served(p, 8 * MB);
    free(resized(p, 100));

    /* Step by step up and down, another block behind it and in front. */
    size_t nbytes = 1;
    char *other = block(64 * PAGE);
    p = block(nbytes);
    memset(p, 0x5a, nbytes);
    for (; nbytes < 40 * MB; nbytes += nbytes / 2 + 1) {
        p = resized(p, nbytes + nbytes / 2 + 1);
        expect(is_all(p, nbytes, 0x5a));
        memset(p, 0x5a, nbytes + nbytes / 2 + 1);
    }
    for (; nbytes > 2; nbytes -= nbytes / 3 + 1) {
        p = resized(p, nbytes - nbytes / 3 - 1);
        expect(is_all(p, nbytes - nbytes / 3 - 1, 0x5a));
        free(other);
        other = block(nbytes);
    }
    free(other);
    free(p);

    /* Growing within what malloc_usable_size() says moves nothing. */
    p = block(SERVED_FROM + 1);
    printf("within the usable size: %s\n",
           opaque(realloc(p, malloc_usable_size(p))) == p ? "stays" : "moves");

    /* NULL allocates; 0 frees and returns NULL, with errno as it was. */
    for (size_t i = 0; i < COUNT(heap_sizes); i++) {
        p = resized(NULL, heap_sizes[i]);
        expect_served(p, heap_sizes[i]);
        memset(p, 1, heap_sizes[i]);
        errno = EXDEV;
        p = opaque(realloc(p, opaque((size_t)0)));
        printf("realloc(p of %zu, 0): %s, %s\n", heap_sizes[i], p == NULL ? "NULL" : "a block",
               strerrorname_np(errno));
    }
    errno = EXDEV;
    p = opaque(realloc(NULL, opaque((size_t)0)));
    printf("realloc(NULL, 0): %s, %s\n", p == NULL ? "NULL" : "a block", strerrorname_np(errno));
    free(p);

    /* What other functions gave, and an alignment that need not survive. */
    p = aligned_alloc(MB, MB);
    mark(p, MB);
    p = resized(p, 3 * MB);
    expect(is_marked(p, MB, MB));
    free(p);
    p = resized(calloc(1, 100 * PAGE), 200 * PAGE);
    expect(is_zero(p, 100 * PAGE));
    free(p);
    puts("contents ok");
}
