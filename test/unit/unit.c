#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "defs.h"
#include "start.h"

#define TIME_LIMIT 180
#define STDERR_SHOWN 4096L

/* What the children of a case tell the program. Shared memory. */
struct report {
    int failed;
    char context[256];
    char what[1024];
};
static struct report *report;

const char *__asan_default_options(void);
const char *__tsan_default_options(void);

/* Nothing here is on a heap, and leak checks stop threads, which a container may forbid. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* A first report ends the case. The child of a threaded fork may start threads. */
const char *__tsan_default_options(void)
{
    return "halt_on_error=1:die_after_fork=0:report_thread_leaks=0:atexit_sleep_ms=0";
}

void unit_fail(const char *file, int line, const char *what)
{
    if (__atomic_exchange_n(&report->failed, 1, __ATOMIC_RELAXED) == 0)
        snprintf(report->what, sizeof report->what, "%s:%d: %s", file, line, what);
    _exit(1);
}

void unit_check_equal(const char *file, int line, const char *a_text, uint64_t a,
                      const char *b_text, uint64_t b)
{
    char what[512];
    if (a == b)
        return;
    snprintf(what, sizeof what, "%s == %s: %llu, %llu", a_text, b_text, (unsigned long long)a,
             (unsigned long long)b);
    unit_fail(file, line, what);
}

/* Threads may overwrite each other's. */
void unit_context(const char *format, ...)
{
    char text[sizeof report->context];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < sizeof text; i++) {
        __atomic_store_n(&report->context[i], text[i], __ATOMIC_RELAXED);
        if (text[i] == '\0')
            break;
    }
}

void unit_time_limit(unsigned seconds)
{
    alarm(seconds);
}

void unit_knobs(const char *settings)
{
    char copy[512];
    char *rest = NULL;
    snprintf(copy, sizeof copy, "%s", settings);
    for (char *one = strtok_r(copy, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest)) {
        char name[64];
        char *value = strchr(one, '=');
        *value++ = '\0';
        snprintf(name, sizeof name, "HAKMEM_PAGE_ARENA_%s", one);
        setenv(name, value, 1);
    }
}

void unit_start(const char *settings)
{
    unit_knobs(settings);
    CHECK(start_arena());
}

int unit_child_status(void (*run)(void))
{
    int status = -1;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

void unit_child(void (*run)(void))
{
    CHECK_EQUAL(unit_child_status(run), 0);
}

struct start {
    void (*run)(size_t index);
    size_t index;
};

static void *run_thread(void *argument)
{
    struct start *start = argument;
    start->run(start->index);
    return NULL;
}

void unit_threads(size_t n, void (*run)(size_t index))
{
    pthread_t threads[UNIT_THREADS_MAX];
    struct start starts[UNIT_THREADS_MAX];
    CHECK(n <= UNIT_THREADS_MAX);
    for (size_t i = 0; i < n; i++) {
        starts[i] = (struct start){run, i};
        CHECK(pthread_create(&threads[i], NULL, run_thread, &starts[i]) == 0);
    }
    for (size_t i = 0; i < n; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

const char *unit_stderr_of(void (*run)(void))
{
    static char text[16384];
    int file = memfd_create("stderr", 0);
    int before = dup(2);
    CHECK(file >= 0 && before >= 0 && dup2(file, 2) == 2);
    run();
    CHECK(dup2(before, 2) == 2);
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    CHECK(length >= 0);
    text[length] = '\0';
    close(before);
    close(file);
    return text;
}

struct unit_random unit_random_seeded(uint64_t seed)
{
    struct unit_random random = {seed * 0x9e3779b97f4a7c15 + 1};
    unit_random_next(&random);
    return random;
}

uint64_t unit_random_next(struct unit_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1d;
}

size_t unit_random_below(struct unit_random *random, size_t below)
{
    return (unit_random_next(random) >> 32) % below;
}

static uint64_t from_environment(const char *name, uint64_t standard)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : standard;
}

uint64_t unit_seed(uint64_t standard)
{
    return from_environment("UNIT_SEED", standard);
}

size_t unit_steps(size_t standard)
{
    return from_environment("UNIT_STEPS", standard);
}

/* Words that no sanitizer need look at: the tests of what they hold would take most of the time. */
#define FAST __attribute__((no_sanitize("address", "thread", "undefined"), optimize("O2")))

static uint64_t word_at(const uint64_t *addr, uint64_t tag)
{
    return tag == 0 ? 0 : (tag << 48 ^ (uintptr_t)addr) * 0x9e3779b97f4a7c15;
}

FAST void unit_fill(void *addr, size_t nbytes, uint64_t tag)
{
    uint64_t *words = addr;
    for (size_t i = 0; i < nbytes / sizeof *words; i++)
        words[i] = word_at(&words[i], tag);
}

FAST bool unit_filled(const void *addr, size_t nbytes, uint64_t tag)
{
    const uint64_t *words = addr;
    for (size_t i = 0; i < nbytes / sizeof *words; i++)
        if (words[i] != word_at(&words[i], tag))
            return false;
    return true;
}

FAST bool unit_is_zero(const void *addr, size_t nbytes)
{
    const uint64_t *words = addr;
    uint64_t any = 0;
    for (size_t i = 0; i < nbytes / sizeof *words; i++)
        any |= words[i];
    return any == 0;
}

/* The end of it, as comments. */
static void show_stderr(FILE *file)
{
    char line[512];
    if (fseek(file, -STDERR_SHOWN, SEEK_END) != 0)
        rewind(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "[PageArena-INIT]", 16) != 0)
            printf("#   %s%s", line, strchr(line, '\n') != NULL ? "" : "\n");
}

static bool run_case(const struct unit_case *unit_case)
{
    int status = -1;
    FILE *file = tmpfile();
    *report = (struct report){0};
    fflush(stdout);
    pid_t child = file != NULL ? fork() : -1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fileno(file), 2);
        alarm(TIME_LIMIT);
        unit_case->run();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        printf("not ok %s: cannot run\n", unit_case->name);
        return false;
    }
    bool ok = status == 0 && report->failed == 0;
    printf("%s %s", ok ? "ok" : "not ok", unit_case->name);
    if (report->failed != 0)
        printf(": %s", report->what);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        printf(": out of time");
    else if (WIFSIGNALED(status))
        printf(": killed by signal %d", WTERMSIG(status));
    else if (!ok)
        printf(": ended with status %d", WEXITSTATUS(status));
    if (!ok && report->context[0] != '\0')
        printf(" (%s)", report->context);
    printf("\n");
    if (!ok)
        show_stderr(file);
    fclose(file);
    return ok;
}

static bool is_chosen(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int unit_main(int argc, char **argv, const struct unit_case *cases, size_t ncases)
{
    size_t run = 0;
    size_t failed = 0;
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < ncases; i++) {
        if (!is_chosen(cases[i].name, argc, argv))
            continue;
        run++;
        failed += !run_case(&cases[i]);
    }
    if (run == 0)
        printf("not ok %s: no such case\n", argc > 1 ? argv[1] : "none");
    return run == 0 || failed != 0;
}
