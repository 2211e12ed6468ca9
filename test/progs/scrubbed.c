/* What was given back to the arena, by every way there is, holds nothing any more where SCRUB is on. */
#include "prog.h"

#define SECRET "the secret of page"

static bool is_kept(const char *p, size_t nbytes)
{
    for (size_t at = 0; at + sizeof SECRET < nbytes; at += PAGE)
        if (memcmp(p + at, SECRET, sizeof SECRET) == 0)
            return true;
    return false;
}

static void write_secret(char *p, size_t nbytes)
{
    for (size_t at = 0; at + sizeof SECRET < nbytes; at += PAGE)
        memcpy(p + at, SECRET, sizeof SECRET);
}

static void say(const char *how, size_t nbytes, bool kept)
{
    printf("%s of %zu: %s\n", how, nbytes, kept ? "kept" : "gone");
}

int main(void)
{
    static const size_t sizes[] = {PAGE,       3 * PAGE,   16 * PAGE,  32 * PAGE,
                                   100 * PAGE, 512 * PAGE, 3000 * PAGE};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t nbytes = sizes[i];
        for (int again = 0; again < 3; again++) {
            char *p = map_served(nbytes);
            expect(is_zero(p, nbytes));
            write_secret(p, nbytes);
            unmap(p, nbytes);
            say("munmap", nbytes, is_kept(p, nbytes));
        }
        char *p = map_served(2 * nbytes);
        write_secret(p, 2 * nbytes);
        expect(mprotect(p, nbytes, PROT_READ) == 0);
        unmap(p, nbytes);
        say("munmap of what was read-only", nbytes, is_kept(p, nbytes));
        expect(mremap(p + nbytes, nbytes, nbytes / 2 / PAGE * PAGE + PAGE, 0) != MAP_FAILED);
        size_t left = nbytes / 2 / PAGE * PAGE + PAGE;
        say("mremap", nbytes, left < nbytes && is_kept(p + nbytes + left, nbytes - left));
        unmap(p + nbytes, left);

        char *block = malloc(3 * nbytes);
        char *volatile freed = block;
        write_secret(block, 3 * nbytes);
        block = realloc(block, nbytes);
        if (is_ours(block))
            say("realloc", nbytes, is_kept(freed + 2 * nbytes, nbytes));
        freed = block;
        free(block);
        if (is_ours(freed))
            say("free", nbytes, is_kept(freed, nbytes));
    }
    char *sparse = map_served(4 * MB);
    sparse[0] = 1;
    unmap(sparse, 4 * MB);
    sparse = map_served(4 * MB);
    expect(is_zero(sparse, 4 * MB));
}
