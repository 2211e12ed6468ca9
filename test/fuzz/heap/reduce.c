#include "reduce.h"

#include <string.h>

#include "command.h"

/* With threads a fault may take several runs to show. */
#define TRIES_WITH_THREADS 4

static struct step trial[STEPS_MOST];
static const struct attempt *attempt;
static enum fault_kind wanted;
static double deadline;

static bool still_fails(int nsteps)
{
    int tries = attempt->plan->nthreads > 1 ? TRIES_WITH_THREADS : 1;
    for (int i = 0; i < tries && nsteps > 0 && command_now() < deadline; i++)
        if (attempt_run(attempt, trial, nsteps).kind == (int)wanted)
            return true;
    return false;
}

/* Up to the end of the round: the threads are not at one step. */
static int end_of_round(const struct step *steps, int nsteps, int step)
{
    int end = step + 1;
    while (end < nsteps && steps[end].round == steps[step].round)
        end++;
    return end;
}

/* Takes out stretches of `size` steps, from the end. */
static int take_out(struct step *steps, int nsteps, int size)
{
    for (int from = (nsteps - 1) / size * size; from >= 0; from -= size) {
        int to = from + size < nsteps ? from + size : nsteps;
        memcpy(trial, steps, (size_t)from * sizeof *steps);
        memcpy(trial + from, steps + to, (size_t)(nsteps - to) * sizeof *steps);
        if (still_fails(nsteps - (to - from))) {
            nsteps -= to - from;
            memcpy(steps, trial, (size_t)nsteps * sizeof *steps);
        }
    }
    return nsteps;
}

/* X(field, simplest value) */
#define SIMPLER(X)                                                                                 \
    X(usable, false)                                                                               \
    X(style, STYLE_EDGES)                                                                          \
    X(style, STYLE_WHOLE)                                                                          \
    X(align, 16)                                                                                   \
    X(size, step->size & ~(PAGE - 1))                                                              \
    X(tag, 1)

static void simplify(struct step *steps, int nsteps)
{
    for (int i = 0; i < nsteps; i++) {
        struct step *step = &steps[i];
#define TRY(field, value)                                                                          \
    memcpy(trial, steps, (size_t)nsteps * sizeof *steps);                                          \
    trial[i].field = (__typeof__(step->field))(value);                                             \
    if (trial[i].field != step->field && still_fails(nsteps))                                      \
        *step = trial[i];
        SIMPLER(TRY)
#undef TRY
    }
}

int reduce(const struct attempt *of, const struct fault *fault, struct step *steps, int nsteps,
           int seconds)
{
    attempt = of;
    wanted = (enum fault_kind)fault->kind;
    deadline = command_now() + seconds;
    int end = end_of_round(steps, nsteps, fault->step);
    memcpy(trial, steps, (size_t)end * sizeof *steps);
    if (still_fails(end))
        nsteps = end;
    for (int before = 0; nsteps != before && command_now() < deadline;) {
        before = nsteps;
        int size = 1;
        while (size * 2 < nsteps)
            size *= 2;
        for (; size > 0; size /= 2)
            nsteps = take_out(steps, nsteps, size);
    }
    simplify(steps, nsteps);
    return nsteps;
}
