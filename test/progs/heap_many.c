/* 40 000 live blocks, freed and replaced in no order: all keep their contents, none overlap. */
#include "heap.h"

#define BLOCKS ((size_t)40000)

static struct {
    char *p;
    size_t nbytes;
} blocks[BLOCKS];

static size_t next(void)
{
    static size_t state = 1;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Only the ends are written: it is the bookkeeping that is to be tried. */
static void allocate(size_t i)
{
    size_t nbytes = 2 * sizeof i + next() % (next() % 50 == 0 ? 30 * PAGE : 4 * PAGE);
    char *p = block(nbytes);
    memcpy(p, &i, sizeof i);
    memcpy(p + nbytes - sizeof i, &i, sizeof i);
    blocks[i].p = p;
    blocks[i].nbytes = nbytes;
}

static void release(size_t i)
{
    expect(memcmp(blocks[i].p, &i, sizeof i) == 0);
    expect(memcmp(blocks[i].p + blocks[i].nbytes - sizeof i, &i, sizeof i) == 0);
    free(blocks[i].p);
}

int main(void)
{
    for (size_t i = 0; i < BLOCKS; i++)
        allocate(i);
    for (size_t turn = 0; turn < 3 * BLOCKS; turn++) {
        size_t i = next() % BLOCKS;
        release(i);
        allocate(i);
    }
    size_t most = is_set("HAKMEM_PAGE_ARENA_GUARD", "1") ? 20000 : 2000; /* each hole is one */
    printf("mappings: %s\n", count_mappings() < most ? "bounded" : "too many");
    for (size_t i = 0; i < BLOCKS; i++)
        release(i * 7919 % BLOCKS);
    malloc_trim(0);
    printf("resident: %s\n", status_kb("VmRSS:") < 220 * 1024 ? "bounded" : "too much");
    puts("contents ok");
}
