/*
 * The driver's own system calls, which no preload sees.
 */
#ifndef SYS_H
#define SYS_H

#include <sys/syscall.h>

static inline long sys(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define SYS_FAILED(result) ((unsigned long)(result) > -4096UL)

#endif
