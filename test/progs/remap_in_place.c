/* mremap without MAYMOVE grows in place or says ENOMEM; it corrupts nothing either way. */
#include "prog.h"

int main(void)
{
    static const size_t npages[] = {1, 3, 16, 32, 100};
    char *spans[20];
    for (size_t i = 0; i < COUNT(npages); i++) {
        size_t nbytes = npages[i] * PAGE;
        size_t size[COUNT(spans)];
        for (size_t s = 0; s < COUNT(spans); s++)
            fill(spans[s] = map_served(size[s] = nbytes), nbytes, s);
        for (size_t s = 1; s < COUNT(spans); s += 3) {
            unmap(spans[s], nbytes);
            size[s] = 0;
        }
        for (size_t s = 0; s < COUNT(spans); s++) {
            if (size[s] == 0)
                continue;
            size_t more = nbytes + (s % 2 + 1) * PAGE;
            char *q = mremap(spans[s], nbytes, more, 0);
            expect(q == spans[s] || (q == MAP_FAILED && errno == ENOMEM));
            if (q == MAP_FAILED)
                continue;
            size[s] = more;
            expect(is_zero(q + nbytes, more - nbytes));
            fill(q, more, s);
        }
        for (size_t s = 0; s < COUNT(spans); s++)
            expect(is_filled(spans[s], size[s], s));
        for (size_t s = 0; s < COUNT(spans); s++)
            if (size[s] != 0)
                unmap(spans[s], size[s]);
        char *huge = map_served(nbytes);
        expect(mremap(huge, nbytes, (size_t)1 << 46, 0) == MAP_FAILED);
        show("too large", false);
        unmap(huge, nbytes);
    }
    puts("contents ok");
}
