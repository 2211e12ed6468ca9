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

/* Finds the clock. */
void os_init(void);

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

/*
 * The same for at most OS_RANGES_MOST ranges, in one call where the kernel has it for one's own
 * memory (process_madvise(2), 6.13). How many of them, from the first on, it has purged: maybe none.
 */
#define OS_RANGES_MOST 16
struct os_range {
    void *addr;
    size_t nbytes;
};
size_t os_purge_ranges(const struct os_range *ranges, size_t count);

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

/* Copies to memory that may not be there, as that of a file that was cut short. False: it is not. */
bool os_copy_out(void *to, const void *from, size_t nbytes);

/* Copies from memory that may not be readable. False: it is not, or the kernel does not do this. */
bool os_copy_in(void *to, const void *from, size_t nbytes);

/* The same from `count` places, at most OS_GATHER_MOST, one behind the other. Returns how many were copied. */
#define OS_GATHER_MOST 32
size_t os_gather(void *to, const char *const *from, size_t count, size_t nbytes);

/* Reads the start of a file as a string; returns how long it is. */
size_t os_read_file(const char *path, char *text, size_t nbytes);

/* Whether a thread of the process that libc has made is there still. */
bool os_thread_lives(int id);

/* Whether huge pages are to be had: not at all, for madvise(2), or whatever anybody says. */
enum os_huge_pages { OS_HUGE_NONE, OS_HUGE_TO_ASK, OS_HUGE_TO_ALL };
enum os_huge_pages os_huge_pages(void);

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
/*
 * Opens a file to write at its end; one that is made, 0600, must not be there, one that is not must
 * be, and be no link. -1 on failure.
 */
int os_append(const char *path, bool make);
void os_close(int fd);
void os_remove(const char *path);

/*
 * Opens a directory, which is made (0700) where it is not there; -1 if it cannot be had, is a link, is
 * not the user's own, or others may write to it.
 */
int os_own_directory(const char *path);

/*
 * Makes a new file in an open directory, 0600, in the place of one of that name, and maps it shared:
 * nbytes, zero. NULL: it cannot be had.
 */
void *os_share(int directory, const char *name, size_t nbytes);

/* The inode number of a file; 0: there is none. */
uint64_t os_inode(const char *path);

long os_process_id(void);
size_t os_user_id(void);

/* A clock that goes on by a few ms at a time, and costs a few ns; it is no system call. */
uint64_t os_now_ms(void);

long os_thread_id(void);

#endif
