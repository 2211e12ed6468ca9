/* A program that brings its own malloc, which maps memory under a lock of its own. */
#include "prog.h"

#include <pthread.h>

struct header {
    size_t nbytes, unused;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void *malloc(size_t nbytes)
{
    size_t all = nbytes + sizeof(struct header);
    pthread_mutex_lock(&mutex);
    struct header *header =
        mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_unlock(&mutex);
    if (header == MAP_FAILED)
        return NULL;
    header->nbytes = all;
    return header + 1;
}

void free(void *block)
{
    struct header *header = (struct header *)block - 1;
    if (block == NULL)
        return;
    pthread_mutex_lock(&mutex);
    munmap(header, header->nbytes);
    pthread_mutex_unlock(&mutex);
}

void *calloc(size_t count, size_t nbytes)
{
    return malloc(count * nbytes);
}

void *realloc(void *block, size_t nbytes)
{
    void *moved = malloc(nbytes);
    if (block != NULL && moved != NULL) {
        size_t held = ((struct header *)block)[-1].nbytes - sizeof(struct header);
        memcpy(moved, block, held < nbytes ? held : nbytes);
        free(block);
    }
    return moved;
}

int main(void)
{
    for (int i = 0; i < 1000; i++) {
        char *block = malloc(60000);
        memset(block, i, 60000);
        free(block);
    }
    puts("done");
    return 0;
}
