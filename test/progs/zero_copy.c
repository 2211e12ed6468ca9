/* What is sent with MSG_ZEROCOPY arrives as it was, though it is unmapped, reused and rewritten. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "prog.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#define MSG_ZEROCOPY 0x4000000
#endif

#define N ((size_t)24)

static int sender, receiver;

static void join(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof addr;
    int on = 1, small = 4096;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    expect(bind(listener, (struct sockaddr *)&addr, length) == 0 && listen(listener, 1) == 0);
    expect(getsockname(listener, (struct sockaddr *)&addr, &length) == 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sender = socket(AF_INET, SOCK_STREAM, 0);
    expect(connect(sender, (struct sockaddr *)&addr, length) == 0);
    receiver = accept(listener, NULL, NULL);
    expect(receiver >= 0);
    expect(setsockopt(sender, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) == 0);
}

/*
 * Sends until the receiver's window is shut, so that pages wait in the queue. Returns what went
 * out.
 */
static size_t send_spans(size_t seed, int way)
{
    size_t sent = 0;
    for (size_t i = 0; i < 40; i++) {
        char *p = map_served(N * PAGE);
        struct iovec part = {p, N * PAGE};
        struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
        int flags = MSG_ZEROCOPY | MSG_DONTWAIT;
        memset(p, (int)seed, N * PAGE);
        ssize_t n = -1;
        if (way == 0)
            n = send(sender, p, N * PAGE, flags);
        else if (way == 1)
            n = sendto(sender, p, N * PAGE, flags, NULL, 0);
        else if (way == 2)
            n = sendmsg(sender, &message.msg_hdr, flags);
        else if (sendmmsg(sender, &message, 1, flags) == 1)
            n = (ssize_t)message.msg_len;
        unmap(p, N * PAGE);
        char *q = map_served(N * PAGE);
        expect(is_zero(q, N * PAGE));
        memset(q, 0x99, N * PAGE);
        unmap(q, N * PAGE);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    expect(sent != 0);
    return sent;
}

int main(void)
{
    static char got[1 << 16];
    for (int way = 0; way < 4; way++) {
        join();
        size_t left = send_spans((size_t)way + 1, way);
        while (left != 0) {
            ssize_t n = recv(receiver, got, left < sizeof got ? left : sizeof got, 0);
            expect(n > 0 && is_all(got, (size_t)n, way + 1));
            left -= (size_t)n;
        }
        close(sender);
        close(receiver);
    }
    puts("contents ok");
}
