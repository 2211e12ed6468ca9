/* Libraries are loaded and unloaded, with memory mapped in between and by threads besides. */
#include <dlfcn.h>

#include "busy_threads.h"

int main(void)
{
    static const char *const names[] = {"libm.so.6", "libresolv.so.2", "libanl.so.1",
                                        "libutil.so.1"};
    char *kept = map_served(20 * PAGE);
    fill(kept, 20 * PAGE, 1);
    start_busy_threads();
    for (size_t turn = 0; turn < 100; turn++) {
        void *libraries[COUNT(names)];
        for (size_t i = 0; i < COUNT(names); i++) {
            expect((libraries[i] = dlopen(names[i], i % 2 ? RTLD_NOW : RTLD_LAZY)) != NULL);
            busy_cycle(turn + i, 100);
        }
        double (*cosine)(double) = (double (*)(double))dlsym(libraries[0], "cos");
        expect(cosine(0) == 1);
        for (size_t i = 0; i < COUNT(names); i++)
            expect(dlclose(libraries[i]) == 0);
    }
    expect(dlopen("no such library", RTLD_NOW) == NULL);
    stop_busy_threads();
    expect(is_filled(kept, 20 * PAGE, 1));
    puts("contents ok");
}
