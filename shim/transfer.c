#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "real.h"
#include "route.h"

/*
 * Calls after which the kernel goes on reading the program's pages: vmsplice(2) and sends with
 * MSG_ZEROCOPY. Such pages are noted, so that the program may unmap them at once, as it can
 * without us: they are replaced, never written again.
 */
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

static void note(const void *addr, size_t nbytes)
{
    uintptr_t start = align_down((uintptr_t)addr, PAGE_BYTES);
    if (nbytes <= SIZE_MAX / 2)
        space_mark(PAGE_TORN,
                   (struct range){start, align_up((uintptr_t)addr + nbytes, PAGE_BYTES)});
}

static void note_all(const struct iovec *iov, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note(iov[i].iov_base, iov[i].iov_len);
}

EXPORT ssize_t vmsplice(int fd, const struct iovec *iov, size_t count, unsigned flags)
{
    if (g_region.nbytes != 0 && iov != NULL && count <= 1024)
        note_all(iov, count);
    return real.vmsplice(fd, iov, count, flags);
}

EXPORT ssize_t sendto(int fd, const void *addr, size_t nbytes, int flags, __CONST_SOCKADDR_ARG to,
                      socklen_t length)
{
    if ((flags & MSG_ZEROCOPY) != 0)
        note(addr, nbytes);
    return real.sendto(fd, addr, nbytes, flags, to.__sockaddr__, length);
}

EXPORT ssize_t send(int fd, const void *addr, size_t nbytes, int flags)
{
    return sendto(fd, addr, nbytes, flags, (struct sockaddr *)NULL, 0);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if ((flags & MSG_ZEROCOPY) != 0 && message != NULL)
        note_all(message->msg_iov, message->msg_iovlen);
    return real.sendmsg(fd, message, flags);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if ((flags & MSG_ZEROCOPY) != 0 && messages != NULL)
        for (unsigned i = 0; i < count; i++)
            note_all(messages[i].msg_hdr.msg_iov, messages[i].msg_hdr.msg_iovlen);
    return real.sendmmsg(fd, messages, count, flags);
}
