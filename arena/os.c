#include "os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <time.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
/* PIDFD_SELF_THREAD_GROUP of <linux/pidfd.h>, 6.14. */
#define PIDFD_SELF_PROCESS (-10001)
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* Reads a clock without a system call (vdso(7)). NULL: there is none, and time stands still. */
static int (*read_clock)(clockid_t, struct timespec *);

#ifdef OS_SYSCALL
/* Unit tests put a kernel of their own here, which can fail the n-th call. */
long OS_SYSCALL(long number, long a, long b, long c, long d, long e, long f);

static int clock_of_fake(clockid_t id, struct timespec *now)
{
    return (int)OS_SYSCALL(SYS_clock_gettime, id, (long)now, 0, 0, 0, 0);
}

void os_init(void)
{
    read_clock = clock_of_fake;
}
#else
void os_init(void)
{
    /* libc's own: that of a library such as libfaketime may do anything, malloc included. */
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (libc == NULL)
        return;
    *(void **)&read_clock = dlsym(libc, "clock_gettime");
    dlclose(libc);
}

#define OS_SYSCALL raw_syscall
static long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
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
#endif

/* The kernel returns -4095..-1 for an errno (see syscall(2)). */
static bool failed(long result)
{
    return (unsigned long)result > -4096UL;
}

static void *map(void *addr, size_t nbytes, int prot, int flags)
{
    long result = OS_SYSCALL(SYS_mmap, (long)addr, (long)nbytes, prot,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return failed(result) ? NULL : (void *)result;
}

static bool call3(long number, void *addr, size_t nbytes, long c)
{
    return !failed(OS_SYSCALL(number, (long)addr, (long)nbytes, c, 0, 0, 0));
}

long os_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    return OS_SYSCALL(number, a, b, c, d, e, f);
}

void *os_reserve(void *hint, size_t nbytes)
{
    return map(hint, nbytes, PROT_NONE, 0);
}

void *os_map(size_t nbytes)
{
    return map(NULL, nbytes, PROT_READ | PROT_WRITE, 0);
}

/* Below what stands there, as the kernel does it: neighbours become one mapping. 0: anywhere. */
static uintptr_t tables_below;

void os_place_tables(uintptr_t below)
{
    __atomic_store_n(&tables_below, below, __ATOMIC_RELAXED);
}

void *os_map_table(size_t nbytes)
{
    uintptr_t hint = 0;
    nbytes = align_up(nbytes, PAGE_BYTES);
    if (__atomic_load_n(&tables_below, __ATOMIC_RELAXED) != 0)
        hint = __atomic_sub_fetch(&tables_below, nbytes, __ATOMIC_RELAXED);
    return map((void *)hint, nbytes, PROT_READ | PROT_WRITE, 0);
}

void os_unmap(void *addr, size_t nbytes)
{
    call3(SYS_munmap, addr, nbytes, 0);
}

bool os_commit(void *addr, size_t nbytes)
{
    return call3(SYS_mprotect, addr, nbytes, PROT_READ | PROT_WRITE);
}

bool os_forbid(void *addr, size_t nbytes)
{
    return call3(SYS_mprotect, addr, nbytes, PROT_NONE);
}

bool os_advise(void *addr, size_t nbytes, int advice)
{
    return call3(SYS_madvise, addr, nbytes, advice);
}

bool os_replace(void *addr, size_t nbytes, bool accessible)
{
    int prot = accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
    if (map(addr, nbytes, prot, MAP_FIXED) == NULL)
        return false;
    os_name(addr, nbytes);
    return true;
}

bool os_purge(void *addr, size_t nbytes)
{
    return os_advise(addr, nbytes, MADV_DONTNEED);
}

_Static_assert(sizeof(struct os_range) == sizeof(struct iovec), "passed as such");

size_t os_purge_ranges(const struct os_range *ranges, size_t count)
{
    static bool refused;
    size_t done = 0;
    if (count < 2 || __atomic_load_n(&refused, __ATOMIC_RELAXED))
        return 0;
    long purged = OS_SYSCALL(SYS_process_madvise, PIDFD_SELF_PROCESS, (long)ranges, (long)count,
                             MADV_DONTNEED, 0, 0);
    if (failed(purged)) {
        /* The first range may be locked. Other errors come back every time. */
        __atomic_store_n(&refused, purged != -EINVAL, __ATOMIC_RELAXED);
        return 0;
    }
    while (done < count && (size_t)purged >= ranges[done].nbytes)
        purged -= (long)ranges[done++].nbytes;
    return done;
}

void os_populate(void *addr, size_t nbytes)
{
    os_advise(addr, nbytes, MADV_POPULATE_WRITE);
}

bool os_resident(void *addr, size_t npages, unsigned char *residency)
{
    return call3(SYS_mincore, addr, npages * PAGE_BYTES, (long)residency);
}

bool os_name(void *addr, size_t nbytes)
{
    static bool unnameable;
    if (__atomic_load_n(&unnameable, __ATOMIC_RELAXED))
        return false;
    long result = OS_SYSCALL(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, (long)addr, (long)nbytes,
                             (long)"pagearena", 0);
    if (failed(result))
        __atomic_store_n(&unnameable, true, __ATOMIC_RELAXED);
    return !failed(result);
}

bool os_has_swap(void)
{
    struct sysinfo info = {0};
    /* A kernel that does not tell may swap. */
    return failed(OS_SYSCALL(SYS_sysinfo, (long)&info, 0, 0, 0, 0, 0)) || info.totalswap != 0;
}

size_t os_limit(int resource)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    OS_SYSCALL(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
    return limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : limit.rlim_cur;
}

bool os_copy_out(void *to, const void *from, size_t nbytes)
{
    struct iovec source = {(void *)from, nbytes};
    struct iovec target = {to, nbytes};
    return OS_SYSCALL(SYS_process_vm_writev, os_process_id(), (long)&source, 1, (long)&target, 1,
                      0) == (long)nbytes;
}

bool os_copy_in(void *to, const void *from, size_t nbytes)
{
    struct iovec target = {to, nbytes};
    struct iovec source = {(void *)from, nbytes};
    return OS_SYSCALL(SYS_process_vm_readv, os_process_id(), (long)&target, 1, (long)&source, 1,
                      0) == (long)nbytes;
}

size_t os_gather(void *to, const char *const *from, size_t count, size_t nbytes)
{
    struct iovec target = {to, count * nbytes};
    struct iovec sources[OS_GATHER_MOST];
    for (size_t i = 0; i < count; i++)
        sources[i] = (struct iovec){(void *)from[i], nbytes};
    long copied = OS_SYSCALL(SYS_process_vm_readv, os_process_id(), (long)&target, 1, (long)sources,
                             (long)count, 0);
    return failed(copied) ? 0 : (size_t)copied / nbytes;
}

size_t os_read_file(const char *path, char *text, size_t nbytes)
{
    long fd = OS_SYSCALL(SYS_open, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0, 0);
    long length = 0;
    if (!failed(fd)) {
        length = OS_SYSCALL(SYS_read, fd, (long)text, (long)nbytes - 1, 0, 0, 0);
        os_close((int)fd);
    }
    length = failed(length) ? 0 : length;
    text[length] = '\0';
    return (size_t)length;
}

enum os_huge_pages os_huge_pages(void)
{
    char text[64];
    os_read_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text);
    if (OS_SYSCALL(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0, 0) != 0)
        return OS_HUGE_NONE;
    if (strstr(text, "[always]") != NULL)
        return OS_HUGE_TO_ALL;
    return strstr(text, "[madvise]") != NULL ? OS_HUGE_TO_ASK : OS_HUGE_NONE;
}

bool os_thread_lives(int id)
{
    void *list = NULL;
    size_t nbytes;
    long result = OS_SYSCALL(SYS_get_robust_list, id, (long)&list, (long)&nbytes, 0, 0, 0);
    return failed(result) ? result != -ESRCH : list != NULL;
}

void os_wait(int *word, int value, long timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    OS_SYSCALL(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, (long)&timeout, 0, 0);
}

void os_wake(int *word)
{
    OS_SYSCALL(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

void os_yield(void)
{
    OS_SYSCALL(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

bool os_write(int fd, const char *text, size_t nbytes)
{
    while (nbytes > 0) {
        long written = OS_SYSCALL(SYS_write, fd, (long)text, (long)nbytes, 0, 0, 0);
        if (written == 0 || failed(written))
            return false;
        text += written;
        nbytes -= (size_t)written;
    }
    return true;
}

/* Where the kernel does not tell, nothing is removed. */
static bool is_regular_file(const char *path)
{
    struct stat status = {0};
    long result =
        OS_SYSCALL(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, AT_SYMLINK_NOFOLLOW, 0, 0);
    return !failed(result) && S_ISREG(status.st_mode);
}

int os_create(const char *path)
{
    if (is_regular_file(path))
        OS_SYSCALL(SYS_unlink, (long)path, 0, 0, 0, 0, 0);
    long fd = OS_SYSCALL(SYS_open, (long)path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         0600, 0, 0, 0);
    return failed(fd) ? -1 : (int)fd;
}

int os_append(const char *path, bool make)
{
    long flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0);
    long fd = OS_SYSCALL(SYS_open, (long)path, flags, 0600, 0, 0, 0);
    return failed(fd) ? -1 : (int)fd;
}

void os_close(int fd)
{
    OS_SYSCALL(SYS_close, fd, 0, 0, 0, 0, 0);
}

void os_remove(const char *path)
{
    OS_SYSCALL(SYS_unlink, (long)path, 0, 0, 0, 0, 0);
}

int os_own_directory(const char *path)
{
    struct stat status = {0};
    OS_SYSCALL(SYS_mkdir, (long)path, 0700, 0, 0, 0, 0);
    long fd = OS_SYSCALL(SYS_open, (long)path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
                         0, 0, 0);
    if (failed(fd))
        return -1;
    if (!failed(OS_SYSCALL(SYS_fstat, fd, (long)&status, 0, 0, 0, 0)) &&
        status.st_uid == os_user_id() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return (int)fd;
    os_close((int)fd);
    return -1;
}

void *os_share(int directory, const char *name, size_t nbytes)
{
    long file = (long)name;
    OS_SYSCALL(SYS_unlinkat, directory, file, 0, 0, 0, 0);
    long fd = OS_SYSCALL(SYS_openat, directory, file,
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600, 0, 0);
    if (failed(fd))
        return NULL;
    long result = OS_SYSCALL(SYS_ftruncate, fd, (long)nbytes, 0, 0, 0, 0);
    if (!failed(result))
        result = OS_SYSCALL(SYS_mmap, 0, (long)nbytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    os_close((int)fd);
    if (!failed(result))
        return (void *)result;
    OS_SYSCALL(SYS_unlinkat, directory, file, 0, 0, 0, 0);
    return NULL;
}

uint64_t os_inode(const char *path)
{
    struct stat status = {0};
    return failed(OS_SYSCALL(SYS_stat, (long)path, (long)&status, 0, 0, 0, 0)) ? 0 : status.st_ino;
}

uint64_t os_now_ms(void)
{
    struct timespec now = {0, 0};
    if (read_clock != NULL)
        read_clock(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

size_t os_user_id(void)
{
    return (size_t)OS_SYSCALL(SYS_geteuid, 0, 0, 0, 0, 0, 0);
}

long os_thread_id(void)
{
    return OS_SYSCALL(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

long os_process_id(void)
{
    return OS_SYSCALL(SYS_getpid, 0, 0, 0, 0, 0, 0);
}
