/*
 * A unit program: a table of cases, each run in a child process of its own.
 *
 * The arena is one for the process, so that a case must begin with none and may leave it in any
 * state; and a case that crashes or hangs is one failure. `ok <case>` or `not ok <case>: why` goes
 * to stdout; what a failed case said on stderr follows as comment lines. What a case says
 * otherwise is dropped.
 *
 * usage of a unit program: <program> [case ...]
 * UNIT_SEED and UNIT_STEPS in the environment replace the seed and the length of random cases.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit_case {
    const char *name;
    void (*run)(void);
};

#define UNIT_CASE(function)                                                                        \
    {                                                                                              \
#function, function                                                                        \
    }
#define UNIT_MAIN(...)                                                                             \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct unit_case cases[] = {__VA_ARGS__};                                     \
        return unit_main(argc, argv, cases, sizeof cases / sizeof *cases);                         \
    }

int unit_main(int argc, char **argv, const struct unit_case *cases, size_t ncases);

/* Both end the case at once, from whichever thread or forked child. */
#define CHECK(x) ((x) ? (void)0 : unit_fail(__FILE__, __LINE__, #x))
#define CHECK_EQUAL(a, b) unit_check_equal(__FILE__, __LINE__, #a, (uint64_t)(a), #b, (uint64_t)(b))
void unit_fail(const char *file, int line, const char *what) __attribute__((noreturn, cold));
void unit_check_equal(const char *file, int line, const char *a_text, uint64_t a,
                      const char *b_text, uint64_t b);

/* A text that is shown with a failure: the seed, the step. printf's format. */
void unit_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The case may take this long; 60 seconds unless told. */
void unit_time_limit(unsigned seconds);

/* Sets knobs, "REGION=64M GUARD=1", for an arena that is not up yet. */
void unit_knobs(const char *settings);

/* Sets knobs and brings the arena up. */
void unit_start(const char *settings);

/* Runs a function in a forked child: checks there are checks of the case. Returns wait(2)'s status. */
int unit_child_status(void (*run)(void));
void unit_child(void (*run)(void));

/* Runs a function in n threads, with 0 to n - 1 as its argument, and waits for all. */
#define UNIT_THREADS_MAX 64
void unit_threads(size_t n, void (*run)(size_t index));

/* Runs a function and keeps what it writes to stderr (or its children do); returns that. */
const char *unit_stderr_of(void (*run)(void));

/* Deterministic: xorshift64*, seeded by the caller. */
struct unit_random {
    uint64_t state;
};
struct unit_random unit_random_seeded(uint64_t seed);
uint64_t unit_random_next(struct unit_random *random);

/* 0 to below - 1. */
size_t unit_random_below(struct unit_random *random, size_t below);

/* The seed and the number of steps of a random case: from the environment, or as given. */
uint64_t unit_seed(uint64_t standard);
size_t unit_steps(size_t standard);

/* A content that depends on the address and a tag below 2^16; that of tag 0 is zero. */
void unit_fill(void *addr, size_t nbytes, uint64_t tag);
bool unit_filled(const void *addr, size_t nbytes, uint64_t tag);

/* Whether [addr, addr + nbytes) reads as zero. */
bool unit_is_zero(const void *addr, size_t nbytes);

#if defined __SANITIZE_THREAD__
#define UNIT_TSAN 1
#else
#define UNIT_TSAN 0
#endif

#endif
