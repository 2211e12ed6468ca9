/* Memory reads as zero, at every size, whatever the span's last owner left there. */
#include "prog.h"

static const size_t npages[] = {1,    2,    3,    4,    7,    15,   16,   17,  31,
                                32,   33,   64,   100,  127,  256,  511,  512, 513,
                                1000, 1024, 2000, 4096, 8191, 8192, 10240};

static void dirty_some(char *p, size_t nbytes, size_t step)
{
    for (size_t at = 0; at < nbytes; at += step * PAGE)
        fill(p + at, PAGE, at);
}

int main(void)
{
    for (size_t i = 0; i < COUNT(npages); i++) {
        size_t nbytes = npages[i] * PAGE;
        for (size_t step = 1; step <= 5; step += 2) {
            char *p = map_served(nbytes - (step == 1 ? 0 : 123));
            expect(is_zero(p, nbytes));
            dirty_some(p, nbytes, step);
            unmap(p, nbytes);
        }
    }

    char *spans[16];
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(spans); i++) {
            spans[i] = map_served(npages[(i * 7 + round) % 16] * PAGE);
            expect(is_zero(spans[i], npages[(i * 7 + round) % 16] * PAGE));
            fill(spans[i], npages[(i * 7 + round) % 16] * PAGE, i);
        }
        for (size_t i = 0; i < COUNT(spans); i++)
            unmap(spans[i], npages[(i * 7 + round) % 16] * PAGE);
    }
    puts("zero");
}
