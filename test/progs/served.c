/*
 * Whether the arena serves this program. The one program that prints different things off and on.
 */
#include "prog.h"

int main(void)
{
    char *p = map(16 * PAGE);
    puts(is_ours(p) ? "served" : "not served");
    unmap(p, 16 * PAGE);
}
