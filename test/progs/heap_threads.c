/* 2000 threads that come, allocate, free and go, some leaving blocks to others, leave no memory. */
#include <pthread.h>

#include "heap.h"

static void *run(void *left)
{
    static const size_t sizes[] = {PAGE, SERVED_FROM, 50 * PAGE, MB, 2 * MB, 100, 16 * PAGE};
    char *blocks[COUNT(sizes)];
    free(left);
    for (size_t i = 0; i < COUNT(sizes); i++)
        blocks[i] = filled_block(sizes[i], i);
    for (size_t i = 0; i < COUNT(sizes); i++)
        check_and_free(blocks[i], sizes[i], i);
    return filled_block(SERVED_FROM, 1);
}

int main(void)
{
    pthread_t threads[20];
    void *left[COUNT(threads)] = {NULL};
    long before = status_kb("VmRSS:") / 1024;
    for (size_t round = 0; round < 2000 / COUNT(threads); round++) {
        for (size_t i = 0; i < COUNT(threads); i++)
            expect(pthread_create(&threads[i], NULL, run, left[i]) == 0);
        for (size_t i = 0; i < COUNT(threads); i++)
            expect(pthread_join(threads[i], &left[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++)
        check_and_free(left[i], SERVED_FROM, 1);
    printf("resident: %s\n", status_kb("VmRSS:") / 1024 - before <= 260 ? "bounded" : "too much");
    printf("mappings: %s\n", count_mappings() < 2000 ? "bounded" : "too many");
}
