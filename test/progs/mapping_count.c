/* Changed and unmapped pages do not split the address space for good. */
#include "prog.h"

int main(void)
{
    static const int prots[] = {PROT_READ, PROT_NONE, RW | PROT_EXEC};
    char *kept[100];
    size_t before = count_mappings();
    for (size_t i = 0; i < COUNT(kept); i++)
        fill(kept[i] = map_served(3 * PAGE), 3 * PAGE, i);
    for (size_t turn = 0; turn < 20000; turn++) {
        size_t npages = 1 + turn % 20;
        char *p = map(npages * PAGE);
        *p = 1;
        expect(mprotect(p + turn % npages * PAGE, PAGE, prots[turn % COUNT(prots)]) == 0);
        if (turn % 8 == 0)
            expect(madvise(p, PAGE, MADV_DONTDUMP) == 0);
        unmap(p, npages * PAGE);
        if (turn % 200 == 0) {
            size_t i = turn / 200;
            expect(is_filled(kept[i], 3 * PAGE, i));
            unmap(kept[i], 3 * PAGE);
            fill(kept[i] = map(3 * PAGE), 3 * PAGE, i);
        }
    }
    printf("with live spans: %s\n", count_mappings() < before + 1000 ? "bounded" : "too many");
    for (size_t i = 0; i < COUNT(kept); i++) {
        expect(is_filled(kept[i], 3 * PAGE, i));
        unmap(kept[i], 3 * PAGE);
    }
    printf("afterwards: %s\n", count_mappings() < before + 100 ? "bounded" : "too many");
}
