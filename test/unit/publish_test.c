#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "fake_kernel.h"
#include "region.h"
#include "space.h"
#include "unit.h"

static char directory[64];
static char path[96];

static void make_directory(void)
{
    strcpy(directory, "/tmp/publish_test.XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
}

static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK(system(command) == 0);
}

static void start_in(const char *where)
{
    char knobs[160];
    snprintf(knobs, sizeof knobs, "REGION=64M PUBLISH=%s", where);
    snprintf(path, sizeof path, "%s/%d", where, (int)getpid());
    unit_start(knobs);
}

static bool read_page(const char *from, struct publish_page *page)
{
    int fd = open(from, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool whole = read(fd, page, sizeof *page) == sizeof *page;
    close(fd);
    return whole && page->magic == PUBLISH_MAGIC;
}

static void use_the_arena(size_t index)
{
    (void)index;
    for (int i = 0; i < 200; i++)
        space_unmap(range_of(space_map(64 * KIB), 64 * KIB));
}

static void use_it_for_a_while(void)
{
    use_the_arena(0);
    usleep(60000);
    use_the_arena(0);
}

static void nothing_unless_asked(void)
{
    unit_knobs("REGION=64M");
    CHECK(start_arena());
    uint64_t before = fake_count(FAKE_ANY);
    void *span = space_map(PAGE_BYTES);
    CHECK_EQUAL(fake_count(SYS_openat), 0);
    CHECK_EQUAL(fake_count(SYS_process_vm_writev), 0);
    space_unmap(range_of(span, PAGE_BYTES));
    use_it_for_a_while();
    CHECK(fake_count(FAKE_ANY) > before);
    CHECK_EQUAL(fake_count(SYS_process_vm_writev), 0);
}

static void says_who_it_is_at_once(void)
{
    struct publish_page page;
    struct stat status;
    make_directory();
    start_in(directory);
    CHECK(read_page(path, &page));
    CHECK_EQUAL(page.version, PUBLISH_VERSION);
    CHECK_EQUAL(page.nbytes, sizeof page);
    CHECK_EQUAL(page.pid, getpid());
    CHECK(page.start_time != 0);
    CHECK(page.pid_namespace != 0);
    CHECK(strncmp(page.name, "publish_test", 12) == 0);
    CHECK_EQUAL(page.updates, page.again);
    CHECK(stat(path, &status) == 0 && (status.st_mode & 07777) == 0600);
    remove_all();
}

static void figures_follow(void)
{
    struct publish_page page;
    make_directory();
    start_in(directory);
    void *kept = space_map(MIB);
    use_it_for_a_while();
    CHECK(read_page(path, &page));
    CHECK_EQUAL(page.stats.live / MIB, 1);
    CHECK_EQUAL(page.stats.region, 64 * MIB);
    CHECK(page.stats.total_allocs > 200);
    CHECK(page.stats.sizes[1].hits > 200);
    CHECK(page.live_peak >= page.stats.live);
    space_unmap(range_of(kept, MIB));
    use_it_for_a_while();
    CHECK(read_page(path, &page));
    CHECK(page.stats.live < MIB);
    CHECK(page.live_peak >= MIB);
    remove_all();
}

static void publish_in_directory(void)
{
    start_in(directory);
    use_it_for_a_while();
}

static void directories_that_are_refused(void)
{
    char link[80], elsewhere[64];
    make_directory();
    CHECK(chmod(directory, 0770) == 0);
    const char *text = unit_stderr_of(publish_in_directory);
    text = strstr(text, "pagearena: cannot publish in /tmp/");
    CHECK(text != NULL && strchr(text, '\n')[1] == '\0');
    CHECK(access(path, F_OK) != 0);
    CHECK(chmod(directory, 0700) == 0);
    strcpy(elsewhere, directory);
    snprintf(link, sizeof link, "%s/link", directory);
    CHECK(symlink(directory, link) == 0);
    CHECK(os_own_directory(link) == -1);
    CHECK(os_own_directory("/dev/null") == -1);
    CHECK(os_own_directory("/nowhere/at/all") == -1);
    if (geteuid() == 0) {
        CHECK(chown(directory, 1, 1) == 0);
        CHECK(os_own_directory(directory) == -1);
    } else {
        CHECK(os_own_directory("/") == -1);
    }
    remove_all();
}

static void a_directory_that_is_made(void)
{
    char inner[80];
    struct stat status;
    struct publish_page page;
    make_directory();
    snprintf(inner, sizeof inner, "%s/stats", directory);
    start_in(inner);
    CHECK(stat(inner, &status) == 0 && (status.st_mode & 07777) == 0700);
    CHECK(read_page(path, &page));
    remove_all();
}

static void links_are_not_followed(void)
{
    char victim[80];
    struct publish_page page;
    struct stat status;
    make_directory();
    snprintf(victim, sizeof victim, "%s/victim", directory);
    CHECK(close(open(victim, O_CREAT | O_WRONLY, 0600)) == 0);
    snprintf(path, sizeof path, "%s/%d", directory, (int)getpid());
    CHECK(symlink(victim, path) == 0);
    start_in(directory);
    CHECK(read_page(path, &page));
    CHECK(stat(victim, &status) == 0 && status.st_size == 0);
    remove_all();
}

static void refusals_of_the_kernel(void)
{
    static const long calls[] = {SYS_openat, SYS_ftruncate, SYS_fstat, SYS_open};
    make_directory();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        int folder =
            calls[i] != SYS_openat && calls[i] != SYS_ftruncate ? -1 : os_own_directory(directory);
        fake_fail(calls[i], 1, 1, ENOSPC);
        if (folder < 0) {
            CHECK(os_own_directory(directory) == -1);
            continue;
        }
        CHECK(os_share(folder, "1", PAGE_BYTES) == NULL);
        CHECK(faccessat(folder, "1", F_OK, 0) != 0);
        CHECK(close(folder) == 0);
    }
    remove_all();
}

static void writing_is_refused(void)
{
    struct publish_page before, after;
    make_directory();
    start_in(directory);
    CHECK(read_page(path, &before));
    fake_fail(SYS_process_vm_writev, 1, FAKE_EVER, EPERM);
    use_it_for_a_while();
    CHECK(read_page(path, &after));
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK_EQUAL(fake_count(SYS_process_vm_writev), 2);
    remove_all();
}

static void a_file_that_was_cut_short(void)
{
    struct stat status;
    make_directory();
    start_in(directory);
    CHECK(truncate(path, 0) == 0);
    use_it_for_a_while();
    CHECK(stat(path, &status) == 0 && status.st_size == 0);
    remove_all();
}

static void publish_in_child(void)
{
    struct publish_page page;
    snprintf(path, sizeof path, "%s/%d", directory, (int)getpid());
    CHECK(access(path, F_OK) != 0);
    use_it_for_a_while();
    CHECK(read_page(path, &page));
    CHECK_EQUAL(page.pid, getpid());
    CHECK(page.start_time != 0);
}

static void a_child_has_a_page_of_its_own(void)
{
    struct publish_page before, after;
    make_directory();
    start_in(directory);
    use_it_for_a_while();
    CHECK(read_page(path, &before));
    unit_child(publish_in_child);
    CHECK(read_page(path, &after));
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    use_it_for_a_while();
    CHECK(read_page(path, &after));
    CHECK(after.updates > before.updates);
    remove_all();
}

/* No handlers run there: it must not write to what it shares with its parent. */
static void a_child_of_plain_clone_is_silent(void)
{
    struct publish_page before, after;
    make_directory();
    start_in(directory);
    use_it_for_a_while();
    CHECK(read_page(path, &before));
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        use_it_for_a_while();
        _exit(0);
    }
    int status;
    CHECK(waitpid((pid_t)child, &status, 0) == child && status == 0);
    CHECK(read_page(path, &after));
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    remove_all();
}

static void threads_at_once(void)
{
    struct publish_page page;
    make_directory();
    start_in(directory);
    for (int i = 0; i < 5; i++) {
        unit_threads(8, use_the_arena);
        usleep(30000);
    }
    use_it_for_a_while();
    CHECK(read_page(path, &page));
    CHECK(page.stats.total_allocs > 8000);
    CHECK_EQUAL(page.updates, page.again);
    remove_all();
}

UNIT_MAIN(UNIT_CASE(nothing_unless_asked), UNIT_CASE(says_who_it_is_at_once),
          UNIT_CASE(figures_follow), UNIT_CASE(directories_that_are_refused),
          UNIT_CASE(a_directory_that_is_made), UNIT_CASE(links_are_not_followed),
          UNIT_CASE(refusals_of_the_kernel), UNIT_CASE(writing_is_refused),
          UNIT_CASE(a_file_that_was_cut_short), UNIT_CASE(a_child_has_a_page_of_its_own),
          UNIT_CASE(a_child_of_plain_clone_is_silent), UNIT_CASE(threads_at_once))
