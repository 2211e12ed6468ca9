/*
 * The kernel as arena/os.c sees it in unit tests: the real one, except where told otherwise.
 *
 * Calls are counted by number. The n-th call of a number, or of any, can be made to fail; a number
 * can be given a handler of its own, which may ask the real kernel. Set up before threads start;
 * the counting itself is safe from all of them. It starts without any rule, as after fake_reset.
 *
 * Under TSan, which maps its own tables where the region would like to be, address hints are
 * dropped.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

/* arguments[0] is the first. Returns what the kernel would: -errno on failure. */
typedef long fake_handler(const long *arguments);

/* No rules, and all counts at 0. */
void fake_reset(void);

/* How many calls were made of this number, or of any. */
#define FAKE_ANY (-1L)
uint64_t fake_count(long number);

/* The call `nth` from now (1: the next), and `times - 1` after it, fail with `error`. */
#define FAKE_EVER UINT64_MAX
void fake_fail(long number, uint64_t nth, uint64_t times, int error);

/* NULL: the real kernel again. */
void fake_handle(long number, fake_handler *handler);
long fake_real(long number, const long *arguments);

/* One line on stderr for each call from here on. */
void fake_trace(bool on);

/* sysinfo(2) tells of swap space, or of none. */
void fake_swap(bool present);

/* mincore(2) says that no page is resident, as if all were in swap; or the truth. */
void fake_swapped_out(bool all);

/* What /sys says of huge pages: "always [madvise] never\n", for example. */
void fake_huge_pages(const char *enabled);

/* MADV_DONTNEED succeeds and does nothing. */
void fake_idle_madvise(void);

#endif
