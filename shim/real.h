/*
 * The next definition in line of every function that the shim defines.
 *
 * Resolved once, eagerly, with dlsym(RTLD_NEXT), so that other preloads still see what is passed
 * on. Before that, and where nobody else defines a name, it is the bare system call: dlsym itself
 * may allocate, and so come back here.
 */
#ifndef REAL_H
#define REAL_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

/* X(result, name, (parameters), arguments...): each is one system call of the same name. */
#define REAL_CALLS(X)                                                                              \
    X(void *, mmap, (void *a, size_t n, int prot, int flags, int fd, off_t at), a, n, prot, flags, \
      fd, at)                                                                                      \
    X(int, munmap, (void *a, size_t n), a, n)                                                      \
    X(void *, mremap, (void *a, size_t n, size_t m, int flags, void *b), a, n, m, flags, b)        \
    X(int, mprotect, (void *a, size_t n, int prot), a, n, prot)                                    \
    X(int, pkey_mprotect, (void *a, size_t n, int prot, int key), a, n, prot, key)                 \
    X(int, madvise, (void *a, size_t n, int advice), a, n, advice)                                 \
    X(int, mlock, (const void *a, size_t n), a, n)                                                 \
    X(int, mlock2, (const void *a, size_t n, unsigned flags), a, n, flags)                         \
    X(int, munlock, (const void *a, size_t n), a, n)                                               \
    X(int, mlockall, (int flags), flags)                                                           \
    X(int, msync, (void *a, size_t n, int flags), a, n, flags)                                     \
    X(int, mincore, (void *a, size_t n, unsigned char *vec), a, n, vec)                            \
    X(long, mbind,                                                                                 \
      (void *a, unsigned long n, int mode, const unsigned long *nodes, unsigned long max,          \
       unsigned flags),                                                                            \
      a, n, mode, nodes, max, flags)                                                               \
    X(ssize_t, vmsplice, (int fd, const struct iovec *iov, size_t n, unsigned flags), fd, iov, n,  \
      flags)                                                                                       \
    X(ssize_t, sendto,                                                                             \
      (int fd, const void *a, size_t n, int flags, const struct sockaddr *to, socklen_t length),   \
      fd, a, n, flags, to, length)                                                                 \
    X(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)     \
    X(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned n, int flags), fd, messages, n,   \
      flags)                                                                                       \
    X(int, mseal, (void *a, size_t n, unsigned long flags), a, n, flags)                           \
    X(ssize_t, process_madvise,                                                                    \
      (int pidfd, const struct iovec *iov, size_t n, int advice, unsigned flags), pidfd, iov, n,   \
      advice, flags)                                                                               \
    X(int, ioctl, (int fd, unsigned long request, void *argument), fd, request, argument)          \
    X(int, setrlimit, (int resource, const struct rlimit *wanted), resource, wanted)               \
    X(int, prlimit64,                                                                              \
      (pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *before), pid,          \
      resource, wanted, before)                                                                    \
    X(int, prctl,                                                                                  \
      (int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d), option, a, \
      b, c, d)

struct real {
#define POINTER(result, name, parameters, ...) result(*name) parameters;
    REAL_CALLS(POINTER)
#undef POINTER
    long (*syscall)(long number, ...);
};

extern struct real real;

void real_resolve(void);

/*
 * Whether a caller of syscall(2) is in a library behind us that has been asked for a mapping: tcmalloc's
 * mmap is such a one. What it asks for there has been through us.
 */
bool real_is_behind(const void *caller);

#endif
