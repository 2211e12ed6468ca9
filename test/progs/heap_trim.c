/* malloc_trim, mallinfo2, mallopt and malloc_info can be called at any time; blocks stay. */
#include "heap.h"

int main(void)
{
    char *kept[COUNT(heap_sizes)];
    for (size_t i = 0; i < COUNT(heap_sizes); i++)
        kept[i] = filled_block(heap_sizes[i], i);
    leave_dirt();
    for (size_t i = 0; i < 4; i++) {
        int trimmed = malloc_trim(i * 100 * PAGE);
        expect(trimmed == 0 || trimmed == 1);
        leave_dirt();
    }
    long before = status_kb("VmRSS:");
    char *p = filled_block(20 * MB, 1), *q = filled_block(8 * MB, 2);
    free(p);
    free(q);
    malloc_trim(0);
    printf("resident after malloc_trim: %s\n",
           status_kb("VmRSS:") <= before + 4096 ? "bounded" : "too much");

    struct mallinfo2 info = mallinfo2();
    expect(info.arena + info.hblkhd > 0);
    FILE *null = fopen("/dev/null", "w");
    show("malloc_info", null != NULL && malloc_info(0, null) == 0);
    fclose(null);
    show("mallopt M_MMAP_THRESHOLD", mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    show("mallopt M_TRIM_THRESHOLD", mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    show("mallopt M_ARENA_MAX", mallopt(M_ARENA_MAX, 2) == 1);
    leave_dirt();
    for (size_t i = 0; i < COUNT(heap_sizes); i++)
        check_and_free(kept[i], heap_sizes[i], i);
    puts("contents ok");
}
