/*
 * usage: heap_library FLAGS LIBRARY (test/loaded/blocks.c). Blocks go from the program to the
 * library and back; each grows, and frees, the other's; they outlive the library.
 */
#include <dlfcn.h>

#include "heap.h"

static char *(*give)(size_t), *(*give_text)(size_t), *(*give_aligned)(size_t);
static char *(*resize)(char *, size_t);
static size_t (*usable)(char *);
static void (*take)(char *);

static void exchange(size_t nbytes)
{
    char *p = filled_block(nbytes, 1), *q = give(nbytes), *text = give_text(nbytes), *moved;
    expect(q != NULL && is_all(q, nbytes, 0x5a) && text != NULL && strlen(text) >= nbytes);
    expect_served(q, nbytes);
    expect(usable(p) == malloc_usable_size(p) && usable(q) == malloc_usable_size(q));
    expect((p = resize(p, nbytes + 10 * PAGE)) != NULL && (nbytes > PAGE || *p == 2));
    expect((q = realloc(q, nbytes + 10 * PAGE)) != NULL && is_all(q, nbytes, 0x5a));
    take(p);
    free(q);
    free(text);
    take(strcpy(block(nbytes + 1), ""));
    p = NULL;
    expect(asprintf(&p, "%0*d", (int)nbytes, 3) >= (int)nbytes);
    take(p);
    expect((p = give_aligned(nbytes)) != NULL && is_aligned(p, PAGE));
    free(p);
    take(opaque(memalign(MB, nbytes)));
    moved = realloc(give(nbytes), 1);
    take(moved);
}

int main(int argc, char **argv)
{
    expect(argc == 3);
    for (size_t turn = 0; turn < 3; turn++) {
        void *library = dlopen(argv[2], RTLD_NOW | (int)strtol(argv[1], NULL, 0));
        if (library == NULL)
            puts(dlerror());
        expect(library != NULL);
        give = (char *(*)(size_t))dlsym(library, "give");
        give_text = (char *(*)(size_t))dlsym(library, "give_text");
        give_aligned = (char *(*)(size_t))dlsym(library, "give_aligned");
        resize = (char *(*)(char *, size_t))dlsym(library, "resize");
        usable = (size_t(*)(char *))dlsym(library, "usable");
        take = (void (*)(char *))dlsym(library, "take");
        for (size_t i = 1; i + 2 < COUNT(heap_sizes); i++)
            exchange(heap_sizes[i]);
        char *p = give(MB);
        show("dlclose", dlclose(library) == 0);
        check_and_free(p, 0, 0);
    }
    puts("contents ok");
}
