#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "note.h"
#include "real.h"
#include "route.h"

/*
 * Calls after which the kernel goes on using the program's pages: vmsplice(2), sends with
 * MSG_ZEROCOPY, buffers registered with io_uring, ranges under userfaultfd(2). Such pages are
 * noted, so that the program may unmap them at once, as it can without us: they are replaced,
 * never written again.
 */
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

#define IOVECS_MOST 1024

void note_bytes(const void *addr, size_t nbytes)
{
    uintptr_t start = align_down((uintptr_t)addr, PAGE_BYTES);
    if (nbytes <= SIZE_MAX / 2)
        space_mark(PAGE_LENT,
                   (struct range){start, align_up((uintptr_t)addr + nbytes, PAGE_BYTES)});
}

/* What the program points to may be anything: the kernel reads it, and says EFAULT. */
void note_iovecs(const struct iovec *iov, size_t count)
{
    struct iovec one;
    if (g_region.nbytes == 0 || count > IOVECS_MOST)
        return;
    for (size_t i = 0; i < count && os_copy_in(&one, &iov[i], sizeof one); i++)
        note_bytes(one.iov_base, one.iov_len);
}

static void note_message(const struct msghdr *message)
{
    struct msghdr copy;
    if (g_region.nbytes != 0 && os_copy_in(&copy, message, sizeof copy))
        note_iovecs(copy.msg_iov, copy.msg_iovlen);
}

void note_registration(unsigned opcode, const void *argument, size_t count)
{
    struct io_uring_rsrc_register resources;
    if (opcode == IORING_REGISTER_BUFFERS)
        note_iovecs(argument, count);
    else if (opcode == IORING_REGISTER_BUFFERS2 &&
             os_copy_in(&resources, argument, sizeof resources))
        note_iovecs((const struct iovec *)(uintptr_t)resources.data, resources.nr);
}

EXPORT ssize_t vmsplice(int fd, const struct iovec *iov, size_t count, unsigned flags)
{
    note_iovecs(iov, count);
    return real.vmsplice(fd, iov, count, flags);
}

EXPORT ssize_t sendto(int fd, const void *addr, size_t nbytes, int flags, __CONST_SOCKADDR_ARG to,
                      socklen_t length)
{
    if ((flags & MSG_ZEROCOPY) != 0)
        note_bytes(addr, nbytes);
    return real.sendto(fd, addr, nbytes, flags, to.__sockaddr__, length);
}

EXPORT ssize_t send(int fd, const void *addr, size_t nbytes, int flags)
{
    return sendto(fd, addr, nbytes, flags, (struct sockaddr *)NULL, 0);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if ((flags & MSG_ZEROCOPY) != 0)
        note_message(message);
    return real.sendmsg(fd, message, flags);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if ((flags & MSG_ZEROCOPY) != 0)
        for (unsigned i = 0; i < count && i < IOVECS_MOST; i++)
            note_message(&messages[i].msg_hdr);
    return real.sendmmsg(fd, messages, count, flags);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    struct uffdio_register wanted;
    if (unlikely(request == UFFDIO_REGISTER) && g_region.nbytes != 0 &&
        os_copy_in(&wanted, argument, sizeof wanted))
        note_bytes((void *)(uintptr_t)wanted.range.start, wanted.range.len);
    return real.ioctl(fd, request, argument);
}
