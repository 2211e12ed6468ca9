/* BACKGROUND=1: the thread's descriptor (of /proc/self/stat) takes a number of the program's, reads from what the program has put
   there, and closes it. DECAY_MS=1 makes it frequent; it is once a second otherwise. */
#include "../progs/prog.h"
#include <fcntl.h>
int main(void)
{
    long elsewhere = 0, vanished = 0, eaten = 0;
    static char text[4096];
    for (long i = 0; i < 300000; i++) {
        for (int fd = 3; fd < 6; fd++) close(fd); /* as daemons do */
        int fd = memfd_create("x", 0);
        elsewhere += fd != 3;
        if (i % 4 == 0) { ssize_t n = write(fd, text, sizeof text); lseek(fd, 0, SEEK_SET); (void)n; }
        for (volatile int k = 0; k < 300; k++);
        off_t at = lseek(fd, 0, SEEK_CUR);
        vanished += at == -1;
        eaten += at > 0;
    }
    printf("other numbers %ld, closed by somebody %ld, read by somebody %ld\n", elsewhere, vanished, eaten);
}
