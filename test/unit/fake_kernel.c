#include "fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "unit.h"

#define NUMBERS 512

/* Where TSan lets a program map, below what the kernel hands out: hints are moved there. */
#define TSAN_LOWEST 0x7e8000000000
#define TSAN_BYTES 0x2000000000

/* [fail_first, fail_end) of `calls` fail; fail_end 0: none does. */
struct rule {
    uint64_t calls;
    uint64_t fail_first;
    uint64_t fail_end;
    int error;
    fake_handler *handler;
};
static struct rule rules[NUMBERS];
static struct rule any;
static bool tracing;
static bool swap_present;

long fake_syscall(long number, long a, long b, long c, long d, long e, long f);

static struct rule *rule_of(long number)
{
    CHECK(number >= FAKE_ANY && number < NUMBERS);
    return number == FAKE_ANY ? &any : &rules[number];
}

void fake_reset(void)
{
    memset(rules, 0, sizeof rules);
    any = (struct rule){0};
}

uint64_t fake_count(long number)
{
    return __atomic_load_n(&rule_of(number)->calls, __ATOMIC_RELAXED);
}

void fake_fail(long number, uint64_t nth, uint64_t times, int error)
{
    struct rule *rule = rule_of(number);
    rule->error = error;
    rule->fail_first = rule->calls + nth;
    rule->fail_end = times > UINT64_MAX - rule->fail_first ? UINT64_MAX : rule->fail_first + times;
}

void fake_handle(long number, fake_handler *handler)
{
    rule_of(number)->handler = handler;
}

void fake_trace(bool on)
{
    tracing = on;
}

/* Sanitizers put calls around loads from memory; none may come between registers and system call. */
long fake_real(long number, const long *arguments)
{
    long a = arguments[0], b = arguments[1], c = arguments[2];
    long d = arguments[3], e = arguments[4], f = arguments[5];
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

/* Counts a call; whether it is to fail. */
static bool fails(struct rule *rule)
{
    uint64_t call = __atomic_add_fetch(&rule->calls, 1, __ATOMIC_RELAXED);
    return rule->fail_first <= call && call < rule->fail_end;
}

static void trace(long number, const long *arguments, long result)
{
    char line[160];
    int length = snprintf(line, sizeof line, "call %ld(%#lx, %#lx, %#lx, %#lx) = %#lx\n", number,
                          arguments[0], arguments[1], arguments[2], arguments[3], result);
    fake_real(SYS_write, (const long[6]){2, (long)line, length, 0, 0, 0});
}

long fake_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long arguments[6] = {a, b, c, d, e, f};
    long result;
    struct rule *rule = rule_of(number);
    bool fails_as_any = fails(&any);
    if (UNIT_TSAN && number == SYS_mmap && (d & MAP_FIXED) == 0 && a != 0)
        arguments[0] = TSAN_LOWEST + a % TSAN_BYTES;
    if (fails(rule))
        result = -rule->error;
    else if (fails_as_any)
        result = -any.error;
    else
        result = rule->handler != NULL ? rule->handler(arguments) : fake_real(number, arguments);
    if (tracing)
        trace(number, arguments, result);
    return result;
}

static long sysinfo_of_fake(const long *arguments)
{
    long result = fake_real(SYS_sysinfo, arguments);
    struct sysinfo *info = (struct sysinfo *)arguments[0];
    info->totalswap = swap_present ? 1 << 20 : 0;
    return result;
}

void fake_swap(bool present)
{
    swap_present = present;
    fake_handle(SYS_sysinfo, sysinfo_of_fake);
}

static long mincore_of_nothing(const long *arguments)
{
    size_t npages = ((size_t)arguments[1] + 4095) / 4096;
    memset((void *)arguments[2], 0, npages);
    return 0;
}

void fake_swapped_out(bool all)
{
    fake_handle(SYS_mincore, all ? mincore_of_nothing : NULL);
}

static long madvise_of_idler(const long *arguments)
{
    return arguments[2] == MADV_DONTNEED ? 0 : fake_real(SYS_madvise, arguments);
}

void fake_idle_madvise(void)
{
    fake_handle(SYS_madvise, madvise_of_idler);
}

#define FILE_OF_ENABLED 1000
static const char *huge_enabled;

static long open_of_enabled(const long *arguments)
{
    return strstr((const char *)arguments[0], "transparent_hugepage") != NULL
               ? FILE_OF_ENABLED
               : fake_real(SYS_open, arguments);
}

static long read_of_enabled(const long *arguments)
{
    if (arguments[0] != FILE_OF_ENABLED)
        return fake_real(SYS_read, arguments);
    memcpy((char *)arguments[1], huge_enabled, strlen(huge_enabled));
    return (long)strlen(huge_enabled);
}

void fake_huge_pages(const char *enabled)
{
    huge_enabled = enabled;
    fake_handle(SYS_open, open_of_enabled);
    fake_handle(SYS_read, read_of_enabled);
}
