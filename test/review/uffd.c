/* userfaultfd on memory that came from the arena: recycled pages never fault; pages stay registered when they are unmapped. */
#include "../progs/prog.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
static int uffd;
static volatile int events;
static volatile bool serve_garbage;
static void *monitor(void *unused)
{
    static char page[4096] __attribute__((aligned(4096)));
    struct uffd_msg msg;
    memset(page, 7, sizeof page);
    while (read(uffd, &msg, sizeof msg) == sizeof msg) {
        if (msg.event != UFFD_EVENT_PAGEFAULT) continue;
        events++;
        struct uffdio_copy copy = {msg.arg.pagefault.address & ~4095ull, (uintptr_t)page, 4096, 0, 0};
        ioctl(uffd, UFFDIO_COPY, &copy);
    }
    return unused;
}
int main(void)
{
    pthread_t thread;
    size_t n = 4 * MB;
    char *p = map(n);
    memset(p, 1, n);
    unmap(p, n);
    uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {UFFD_API, 0, 0};
    expect(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0);
    pthread_create(&thread, NULL, monitor, NULL);
    p = map(n);
    struct uffdio_register reg = {{(uintptr_t)p, n}, UFFDIO_REGISTER_MODE_MISSING, 0};
    show("register", ioctl(uffd, UFFDIO_REGISTER, &reg) == 0);
    expect(madvise(p, n, MADV_DONTNEED) == 0);
    volatile char *v = p;
    int first = v[0], other = v[MB];
    printf("filled by the monitor: %d %d, %d events\n", first, other, events);
    unmap(p, n);
    int wrong = 0;
    for (int i = 0; i < 40; i++) { char *q = map(n); for (size_t at = 0; at < n; at += PAGE) wrong += q[at] != 0; if (i % 2) unmap(q, n); }
    printf("%d pages of fresh memory not zero\n", wrong);
    return wrong != 0;
}
