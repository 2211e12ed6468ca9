/*
 * Buffers that grow: four of them in turn, by realloc, from 4 KB to 8 MB, then freed, again and again.
 *
 * usage: realloc half|page     half: each step is 1.5 times the last; page: 4 KB more
 * An operation is one realloc: what it kept is verified, what it added is touched in each page.
 */
#include "bench.h"

#define NBLOCKS 4
#define LAST (8 * MB)

static void grow(struct block *block, size_t nbytes)
{
    size_t kept = block->nbytes;
    uint64_t tag = block_tag(*block);
    __asm__("" : "+r"(tag)); /* computed before realloc, or gcc warns of a use after it */
    block->memory = realloc(block->memory, nbytes);
    block->nbytes = nbytes;
    if (!block->memory || (uintptr_t)block->memory % 16)
        broken("NULL, or not aligned to 16");
    verify(block->memory, kept, tag);
    block_touch(*block, kept);
}

int main(int argc, char **argv)
{
    int half = argc > 1 && !strcmp(argv[1], "half");
    int page = argc > 1 && !strcmp(argv[1], "page");
    if (half == page) {
        fprintf(stderr, "usage: realloc half|page\n");
        return 64;
    }
    size_t nops = 0, nrounds = half ? 20 : 5;
    struct block blocks[NBLOCKS];
    double start = now();
    for (size_t round = 0; round < nrounds; round++) {
        for (int i = 0; i < NBLOCKS; i++)
            blocks[i] = block_new(PAGE);
        while (blocks[0].nbytes < LAST) {
            size_t nbytes = blocks[0].nbytes + (half ? blocks[0].nbytes / 2 : PAGE);
            for (int i = 0; i < NBLOCKS; i++, nops++)
                grow(&blocks[i], nbytes < LAST ? nbytes : LAST);
        }
        for (int i = 0; i < NBLOCKS; i++)
            block_drop(blocks[i]);
    }
    report((double)nops, now() - start);
    return 0;
}
