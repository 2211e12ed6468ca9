/* The C library once more in a namespace of its own, with its own malloc: neither may free for the other. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROUNDS 300

int main(void)
{
    void *other = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    if (other == NULL) {
        puts(dlerror());
        return 1;
    }
    void *(*other_malloc)(size_t) = (void *(*)(size_t))dlsym(other, "malloc");
    void (*other_free)(void *) = (void (*)(void *))dlsym(other, "free");
    void *(*other_mmap)(void *, size_t, int, int, int, off_t) =
        (void *(*)(void *, size_t, int, int, int, off_t))dlsym(other, "mmap");
    int (*other_munmap)(void *, size_t) = (int (*)(void *, size_t))dlsym(other, "munmap");
    unsigned long sum = 0;
    for (size_t i = 1; i < ROUNDS; i++) {
        size_t nbytes = i * 1777;
        char *ours = malloc(nbytes);
        char *theirs = other_malloc(nbytes);
        char *mapped =
            mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char *mapped_there =
            other_mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (ours == NULL || theirs == NULL || mapped == MAP_FAILED || mapped_there == MAP_FAILED)
            return 1;
        memset(ours, (int)i, nbytes);
        memset(theirs, (int)i + 1, nbytes);
        sum += (unsigned char)ours[nbytes - 1] + (unsigned char)theirs[0] +
               (unsigned char)mapped[nbytes - 1];
        memset(mapped, 5, nbytes);
        memset(mapped_there, 6, nbytes);
        free(ours);
        other_free(theirs);
        /* A mapping is the process's, whichever copy of the function unmaps it. */
        if (munmap(mapped_there, nbytes) != 0 || munmap(mapped, nbytes) != 0)
            return 1;
    }
    other_munmap(mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 4096);
    printf("%lu\n", sum);
    return 3;
}
