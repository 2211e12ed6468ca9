#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "note.h"
#include "real.h"
#include "route.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/*
 * syscall(2): the calls that the shim knows take the way of the functions of their names, all
 * others pass. These are our own functions, whatever is preloaded before us (heap.list): the
 * mmap of tcmalloc is a syscall(2).
 */
EXPORT long syscall(long number, ...)
{
    va_list rest;
    va_start(rest, number);
    long a = va_arg(rest, long);
    long b = va_arg(rest, long);
    long c = va_arg(rest, long);
    long d = va_arg(rest, long);
    long e = va_arg(rest, long);
    long f = va_arg(rest, long);
    va_end(rest);

    void *addr = (void *)a;
    size_t nbytes = (size_t)b;
    if (unlikely(real_is_behind(__builtin_return_address(0))))
        return real.syscall(number, a, b, c, d, e, f);
    switch (number) {
    case SYS_mmap:
        return (long)mmap(addr, nbytes, (int)c, (int)d, (int)e, f);
    case SYS_munmap:
        return munmap(addr, nbytes);
    case SYS_mremap:
        return (long)mremap(addr, nbytes, (size_t)c, (int)d, (void *)e);
    case SYS_mprotect:
        return mprotect(addr, nbytes, (int)c);
    case SYS_pkey_mprotect:
        return pkey_mprotect(addr, nbytes, (int)c, (int)d);
    case SYS_madvise:
        return madvise(addr, nbytes, (int)c);
    case SYS_mlock:
        return mlock(addr, nbytes);
    case SYS_mlock2:
        return mlock2(addr, nbytes, (unsigned)c);
    case SYS_munlock:
        return munlock(addr, nbytes);
    case SYS_mlockall:
        return mlockall((int)a);
    case SYS_msync:
        return msync(addr, nbytes, (int)c);
    case SYS_mincore:
        return mincore(addr, nbytes, (unsigned char *)c);
    case SYS_mbind:
        return mbind(addr, nbytes, (int)c, (const unsigned long *)d, (unsigned long)e, (unsigned)f);
    case SYS_mseal:
        return mseal(addr, nbytes, (unsigned long)c);
    case SYS_process_madvise:
        return process_madvise((int)a, (const struct iovec *)b, (size_t)c, (int)d, (unsigned)e);
    case SYS_vmsplice:
        return vmsplice((int)a, (const struct iovec *)b, (size_t)c, (unsigned)d);
    case SYS_sendto:
        return sendto((int)a, (const void *)b, (size_t)c, (int)d, (const struct sockaddr *)e,
                      (socklen_t)f);
    case SYS_sendmsg:
        return sendmsg((int)a, (const struct msghdr *)b, (int)c);
    case SYS_sendmmsg:
        return sendmmsg((int)a, (struct mmsghdr *)b, (unsigned)c, (int)d);
    case SYS_setrlimit:
        return setrlimit((__rlimit_resource_t)a, (const struct rlimit *)b);
    case SYS_prlimit64:
        return prlimit((pid_t)a, (enum __rlimit_resource)b, (const struct rlimit *)c,
                       (struct rlimit *)d);
    case SYS_ioctl:
        return ioctl((int)a, (unsigned long)b, c);
    case SYS_prctl:
        return prctl((int)a, b, c, d, e);
    case SYS_io_uring_register:
        note_registration((unsigned)b, (const void *)c, (size_t)d);
        return real.syscall(number, a, b, c, d, e, f);
    default:
        return real.syscall(number, a, b, c, d, e, f);
    }
}
