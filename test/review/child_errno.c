/* BACKGROUND=1: the child's first call makes the thread, which changes errno where /proc is out of reach, or no more threads may be. */
#include "../progs/prog.h"
#include <sys/stat.h>
static void child(void *unused)
{
    (void)unused;
    expect(chroot("/var/empty") == 0 || chroot("/tmp/rv/empty") == 0);
    errno = 0;
    char *p = map(64 << 10);
    int now = errno;
    (void)p;
    printf("errno after a successful mmap: %d\n", now);
    fflush(stdout);
}
int main(void) { map(PAGE); mkdir("/tmp/rv/empty", 0700); child_does(child, NULL); return 0; }
