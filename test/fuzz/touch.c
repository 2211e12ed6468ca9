#include "touch.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "shared.h"

#define WORDS (PAGE / sizeof(uint64_t))

static __thread sigjmp_buf recover __attribute__((tls_model("initial-exec")));
static __thread volatile sig_atomic_t touching __attribute__((tls_model("initial-exec")));

static void on_fault(int number)
{
    if (touching)
        siglongjmp(recover, 1);
    signal(number, SIG_DFL);
}

void touch_init(void)
{
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static uint64_t sum(const volatile uint64_t *word)
{
    uint64_t a = 1;
    uint64_t b = 2;
    for (size_t i = 0; i < WORDS; i += 2) {
        a = (a ^ word[i]) * 0x9e3779b97f4a7c15u;
        b = (b ^ word[i + 1]) * 0xc2b2ae3d27d4eb4fu;
    }
    return (a ^ b >> 29) | 2;
}

uint64_t touch_sum(uintptr_t page)
{
    volatile uint64_t result = SUM_FAULTS;
    if (sigsetjmp(recover, 0) == 0) {
        touching = 1;
        result = sum((const volatile uint64_t *)page);
    }
    touching = 0;
    return result;
}

uint64_t touch_sum_of_zeros(void)
{
    static const uint64_t zeros[WORDS] __attribute__((aligned(4096)));
    static uint64_t answer;
    if (answer == 0)
        answer = sum(zeros);
    return answer;
}

bool touch_write(uintptr_t page, enum write_style style, uint64_t seed)
{
    volatile bool done = false;
    volatile uint64_t *word = (volatile uint64_t *)page;
    if (sigsetjmp(recover, 0) == 0) {
        touching = 1;
        if (style == WRITE_WHOLE)
            for (size_t i = 0; i < WORDS; i++)
                word[i] = seed += 0x9e3779b97f4a7c15u;
        else if (style == WRITE_ZEROS)
            memset((void *)page, 0, PAGE);
        else
            word[style == WRITE_HEAD ? 0 : style == WRITE_TAIL ? WORDS - 1 : WORDS / 2] = seed;
        done = true;
    }
    touching = 0;
    return done;
}
