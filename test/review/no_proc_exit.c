/* BACKGROUND=1 without /proc (chroot): a program whose threads have all ended never ends. */
#include "../progs/prog.h"
#include <pthread.h>
#include <sys/stat.h>
int main(void)
{
    mkdir("/tmp/rv/empty", 0700);
    expect(chroot("/tmp/rv/empty") == 0);
    pthread_exit(NULL);
}
