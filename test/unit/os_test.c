#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fake_kernel.h"
#include "unit.h"

#define NBYTES (8 * PAGE_BYTES)

static void maps_and_unmaps(void)
{
    errno = 77;
    char *addr = os_map(NBYTES);
    CHECK(addr != NULL && unit_is_zero(addr, NBYTES));
    addr[NBYTES - 1] = 1;
    os_unmap(addr, NBYTES);
    unsigned char residency[8];
    CHECK(!os_resident(addr, 8, residency));
    CHECK(os_map((size_t)1 << 60) == NULL);
    CHECK(!os_commit((void *)PAGE_BYTES, PAGE_BYTES));
    CHECK(!os_purge((void *)1, PAGE_BYTES));
    CHECK_EQUAL(errno, 77);
}

static void reserves_and_commits(void)
{
    char *addr = os_reserve(NULL, NBYTES);
    CHECK(addr != NULL);
    CHECK(os_commit(addr + PAGE_BYTES, PAGE_BYTES));
    addr[PAGE_BYTES] = 1;
    unsigned char residency[8];
    CHECK(os_resident(addr, 8, residency));
    CHECK((residency[0] & 1) == 0 && (residency[1] & 1) == 1 && (residency[2] & 1) == 0);
    CHECK(os_purge(addr + PAGE_BYTES, PAGE_BYTES));
    CHECK_EQUAL(addr[PAGE_BYTES], 0);
    os_populate(addr + PAGE_BYTES, PAGE_BYTES);
    CHECK(os_resident(addr, 8, residency) && (residency[1] & 1) == 1);
    CHECK(os_replace(addr, NBYTES, true));
    CHECK(unit_is_zero(addr, NBYTES));
    memset(addr, 1, NBYTES);
    CHECK(os_replace(addr, NBYTES, false));
    CHECK(os_commit(addr, NBYTES));
    CHECK(unit_is_zero(addr, NBYTES));
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    CHECK(!os_replace(addr, NBYTES, true));
    fake_fail(SYS_mmap, 1, 1, ENOMEM);
    CHECK(os_reserve(NULL, NBYTES) == NULL);
}

static void naming_is_tried_until_refused(void)
{
    char *addr = os_map(NBYTES);
    fake_fail(SYS_prctl, 1, 1, EINVAL);
    os_name(addr, NBYTES);
    os_name(addr, NBYTES);
    CHECK_EQUAL(fake_count(SYS_prctl), 1);
}

static void swap(void)
{
    fake_swap(false);
    CHECK(!os_has_swap());
    fake_swap(true);
    CHECK(os_has_swap());
    fake_swap(false);
    fake_fail(SYS_sysinfo, 1, 1, EPERM);
    CHECK(os_has_swap());
}

static void address_space_limit(void)
{
    CHECK_EQUAL(os_limit(RLIMIT_AS), SIZE_MAX);
    fake_fail(SYS_prlimit64, 1, 1, EPERM);
    CHECK_EQUAL(os_limit(RLIMIT_AS), SIZE_MAX);
    struct rlimit limit = {(rlim_t)1 << 46, RLIM_INFINITY};
    if (!UNIT_TSAN) {
        CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
        CHECK_EQUAL(os_limit(RLIMIT_AS), limit.rlim_cur);
    }
}

static void creates_a_file_of_its_own(void)
{
    char directory[] = "/tmp/os_test.XXXXXX";
    char path[64];
    char target[64];
    struct stat status;
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(target, sizeof target, "%s/target", directory);
    int fd = os_create(path);
    CHECK(fd >= 0 && os_write(fd, "one", 3));
    os_close(fd);
    CHECK(lstat(path, &status) == 0 && S_ISREG(status.st_mode));
    CHECK_EQUAL(status.st_mode & 0777, 0600);
    fd = os_create(path);
    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(fstat(fd, &status) == 0 && status.st_size == 0);
    os_close(fd);
    CHECK(unlink(path) == 0 && rmdir(directory) == 0);
    CHECK_EQUAL(os_create(path), -1);
}

/* A link may be somebody's trap; /dev/stderr is one, and root could remove it. */
static void leaves_what_is_no_file(void)
{
    char directory[] = "/tmp/os_test.XXXXXX";
    char path[64];
    char target[64];
    struct stat status;
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(target, sizeof target, "%s/target", directory);
    CHECK(symlink(target, path) == 0);
    CHECK_EQUAL(os_create(path), -1);
    CHECK(lstat(path, &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(access(target, F_OK) != 0);
    int fd = os_create(target);
    CHECK(fd >= 0);
    os_close(fd);
    CHECK_EQUAL(os_create(path), -1);
    CHECK(unlink(path) == 0 && unlink(target) == 0);
    CHECK(mkfifo(path, 0600) == 0);
    CHECK_EQUAL(os_create(path), -1);
    CHECK(stat(path, &status) == 0 && S_ISFIFO(status.st_mode));
    CHECK(unlink(path) == 0 && rmdir(directory) == 0);
}

static void tables_stand_below_an_address(void)
{
    uintptr_t below = (uintptr_t)os_reserve(NULL, 64 * MIB) + 32 * MIB;
    os_unmap((void *)(below - 32 * MIB), 64 * MIB);
    os_place_tables(below);
    char *first = os_map_table(100);
    char *second = os_map_table(3 * PAGE_BYTES);
    CHECK(first != NULL && second != NULL && unit_is_zero(second, 3 * PAGE_BYTES));
    if (!UNIT_TSAN) {
        CHECK_EQUAL(first, below - PAGE_BYTES);
        CHECK_EQUAL(second, below - 4 * PAGE_BYTES);
    }
    os_place_tables(0);
    CHECK(os_map_table(1) != NULL);
}

static void a_write_of_nothing_ends(void)
{
    CHECK(os_write(-1, "", 0));
    CHECK(!os_write(-1, "x", 1));
    CHECK_EQUAL(os_process_id(), getpid());
}

UNIT_MAIN(UNIT_CASE(maps_and_unmaps), UNIT_CASE(reserves_and_commits),
          UNIT_CASE(naming_is_tried_until_refused), UNIT_CASE(swap), UNIT_CASE(address_space_limit),
          UNIT_CASE(creates_a_file_of_its_own), UNIT_CASE(leaves_what_is_no_file),
          UNIT_CASE(tables_stand_below_an_address), UNIT_CASE(a_write_of_nothing_ends))
