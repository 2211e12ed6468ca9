/*
 * Notes of pages that the kernel goes on using, or has marked, beyond what the program can undo.
 */
#ifndef NOTE_H
#define NOTE_H

#include <stddef.h>
#include <sys/uio.h>

/* Whatever pages the bytes lie on; the range need not be valid. */
void note_bytes(const void *addr, size_t nbytes);
void note_iovecs(const struct iovec *iov, size_t count);

/* io_uring_register(2): buffers that stay pinned. */
void note_registration(unsigned opcode, const void *argument, size_t count);

/* Not declared by every libc. */
int mseal(void *addr, size_t nbytes, unsigned long flags);
ssize_t process_madvise(int pidfd, const struct iovec *iov, size_t count, int advice,
                        unsigned flags);
long mbind(void *addr, unsigned long nbytes, int mode, const unsigned long *nodes,
           unsigned long max, unsigned flags);

#endif
