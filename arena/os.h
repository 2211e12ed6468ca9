/*
 * The wall to the kernel: every system call of the library is made in os.c.
 *
 * These are raw system calls, not libc's functions: the shim defines those, and the library's own
 * upkeep must never come back into it. None of them touches errno. ENOMEM is an answer, which the
 * caller acts on; so is a refusal by a sandbox (EPERM, ENOSYS).
 */
#ifndef OS_H
#define OS_H

#include "defs.h"

/* Any system call. Returns what the kernel returns: -errno on failure. */
long os_syscall(long number, long a, long b, long c, long d, long e, long f);

/* Address space nobody can touch yet, at `hint` or elsewhere; NULL where the kernel has none. */
void *os_reserve(void *hint, size_t nbytes);

/* Zeroed memory for a program, wherever the kernel likes; NULL when out of memory. */
void *os_map(size_t nbytes);
void os_unmap(void *addr, size_t nbytes);

/*
 * The same for the library's own tables. They stand below an address, once that is said, where the
 * kernel puts nothing by itself: what overruns its own memory finds no table next to it.
 */
void *os_map_table(size_t nbytes);
void os_place_tables(uintptr_t below);

/* Makes reserved pages readable and writable. False: no memory (overcommit, RLIMIT_DATA). */
bool os_commit(void *addr, size_t nbytes);

/* Makes pages inaccessible; they keep what they hold. False: no room for one more mapping. */
bool os_forbid(void *addr, size_t nbytes);

/* madvise(2). */
bool os_advise(void *addr, size_t nbytes, int advice);

/* Puts a fresh mapping, zero and without any advice or lock, over a range of the region. */
bool os_replace(void *addr, size_t nbytes, bool accessible);

/* Gives the memory back; the pages read as zero afterwards. False: they keep what they held. */
bool os_purge(void *addr, size_t nbytes);

/* Faults the pages in, writable, in one call; best effort. */
void os_populate(void *addr, size_t nbytes);

/* mincore(2): bit 0 of residency[i] tells whether page i is resident. */
bool os_resident(void *addr, size_t npages, unsigned char *residency);

/* Names the range in /proc/self/maps. False: the kernel cannot (5.17, CONFIG_ANON_VMA_NAME). */
bool os_name(void *addr, size_t nbytes);

/* Whether the machine has swap space now. */
bool os_has_swap(void);

/* A resource limit of getrlimit(2), SIZE_MAX if there is none. */
size_t os_limit(int resource);

/* Copies from memory that may not be readable. False: it is not, or the kernel does not do this. */
bool os_copy_in(void *to, const void *from, size_t nbytes);

/* Sleeps while *word == value, for at most `timeout_ms`; wakes one sleeper. */
void os_wait(int *word, int value, long timeout_ms);
void os_wake(int *word);
void os_yield(void);

/* Writes all of it, as far as that goes. */
bool os_write(int fd, const char *text, size_t nbytes);

/*
 * Creates a new file, 0600, for writing; -1 on failure. A regular file of that name goes first; a
 * link, a device or a pipe stays, and is a failure: nobody else's file is written, nor /dev/null lost.
 */
int os_create(const char *path);
void os_close(int fd);

long os_process_id(void);
long os_thread_id(void);

/* Since some moment before the process; 0 where the kernel does not tell. */
uint64_t os_clock_ms(void);

#endif
