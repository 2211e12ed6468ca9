/*
 * usage: load_where NAME...: opens each name and says what was found (test/loaded/where.c), or
 * dlerror's words. NAME>NAME has the first library open the second; +NAME opens in a new namespace.
 */
#include <dlfcn.h>

#include "prog.h"

static void *from_library(void *library, const char *name)
{
    void *(*open_it)(const char *) = (void *(*)(const char *))dlsym(library, "open_it");
    return open_it(name);
}

static void open_and_tell(char *name)
{
    char *by = strtok(name, ">"), *next = strtok(NULL, ">");
    void *library = *by == '+' ? dlmopen(LM_ID_NEWLM, by + 1, RTLD_NOW) : dlopen(by, RTLD_NOW);
    void *first = library;
    if (library != NULL && next != NULL)
        library = from_library(library, next);
    if (library == NULL) {
        puts(dlerror());
        expect(dlerror() == NULL);
    } else {
        const char *(*where)(void) = (const char *(*)(void))dlsym(library, "where");
        int (*use_heap)(void) = (int (*)(void))dlsym(library, "use_heap");
        expect(where != NULL && use_heap != NULL && use_heap());
        puts(where());
        expect(dlsym(library, "no_such_symbol") == NULL);
        puts(dlerror());
        show("dlclose", dlclose(library) == 0);
    }
    if (first != NULL && first != library)
        show("dlclose", dlclose(first) == 0);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        open_and_tell(argv[i]);
    void *self = dlopen(NULL, RTLD_NOW);
    show("dlopen(NULL)", self != NULL && dlsym(self, "printf") == (void *)printf);
    show("RTLD_NOLOAD", dlopen("libresolv.so.2", RTLD_NOW | RTLD_NOLOAD) == NULL);
    show("bad flags", dlopen("libresolv.so.2", 0) == NULL);
    puts(dlerror());
}
