/* 2000 threads that come, map, unmap and go leave neither memory nor mappings behind. */
#include <pthread.h>

#include "prog.h"

static void *run(void *unused)
{
    static const size_t npages[] = {1, 16, 32, 3, 40};
    char *spans[COUNT(npages)];
    for (size_t i = 0; i < COUNT(npages); i++) {
        spans[i] = map(npages[i] * PAGE);
        expect(is_zero(spans[i], npages[i] * PAGE));
        memset(spans[i], 1, npages[i] * PAGE);
    }
    for (size_t i = 0; i < COUNT(npages); i++)
        unmap(spans[i], npages[i] * PAGE);
    return unused;
}

int main(void)
{
    pthread_t threads[50];
    long before = status_kb("VmRSS:") / 1024;
    for (size_t round = 0; round < 2000 / COUNT(threads); round++) {
        for (size_t i = 0; i < COUNT(threads); i++)
            expect(pthread_create(&threads[i], NULL, run, NULL) == 0);
        for (size_t i = 0; i < COUNT(threads); i++)
            expect(pthread_join(threads[i], NULL) == 0);
    }
    printf("resident: %s\n", status_kb("VmRSS:") / 1024 - before <= 180 ? "bounded" : "too much");
    printf("mappings: %s\n", count_mappings() < 2000 ? "bounded" : "too many");
}
