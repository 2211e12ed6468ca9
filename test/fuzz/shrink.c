#include "shrink.h"

#include <string.h>
#include <time.h>

static struct op trial[OPS_MOST];
static time_t deadline;

/* The difference to keep, and the kind of operation that showed it. */
static struct difference wanted;
static int wanted_op;

/* Operations up to the last difference that was seen. */
static int enough;

/* In the same way: there may be others in it. */
static bool still_differs(const struct run_options *options, int nops)
{
    if (nops == 0 || time(NULL) >= deadline)
        return false;
    struct difference got = run(options, trial, nops);
    if (got.kind != wanted.kind)
        return false;
    enough = got.op + 1 < nops ? got.op + 1 : nops;
    return got.kind != DIFFERENCE_RESULT ||
           (trial[got.op].kind == wanted_op && got.kernel_error == wanted.kernel_error &&
            got.shim_error == wanted.shim_error);
}

/* Takes out stretches of `size` operations, from the end. */
static int take_out(const struct run_options *options, struct op *ops, int nops, int size)
{
    for (int from = (nops - 1) / size * size; from >= 0; from -= size) {
        int to = from + size < nops ? from + size : nops;
        if (from >= nops)
            continue;
        memcpy(trial, ops, (size_t)from * sizeof *ops);
        memcpy(trial + from, ops + to, (size_t)(nops - to) * sizeof *ops);
        if (still_differs(options, nops - (to - from))) {
            nops = enough;
            memcpy(ops, trial, (size_t)nops * sizeof *ops);
        }
    }
    return nops;
}

/* X(field, simplest value) */
#define SIMPLER(X)                                                                                 \
    X(by_number, 0)                                                                                \
    X(trim, 0)                                                                                     \
    X(skew, 0)                                                                                     \
    X(spare, 0)                                                                                    \
    X(key, 0)                                                                                      \
    X(file, 0)                                                                                     \
    X(off, 0)                                                                                      \
    X(n, 1)                                                                                        \
    X(n, op->n / 2)                                                                                \
    X(other, HINT_NONE)                                                                            \
    X(other_off, 0)                                                                                \
    X(other_n, 1)                                                                                  \
    X(seed, 1)                                                                                     \
    X(into, op->slot)                                                                              \
    X(thread, 0)

static void simplify(const struct run_options *options, struct op *ops, int nops)
{
    for (int i = 0; i < nops; i++) {
        struct op *op = &ops[i];
#define TRY(field, value)                                                                          \
    memcpy(trial, ops, (size_t)nops * sizeof *ops);                                                \
    trial[i].field = (__typeof__(op->field))(value);                                               \
    if (trial[i].field != op->field && still_differs(options, nops))                               \
        *op = trial[i];
        SIMPLER(TRY)
#undef TRY
    }
}

int shrink(const struct run_options *options, const struct difference *difference, struct op *ops,
           int nops, int seconds)
{
    wanted = *difference;
    wanted_op = ops[difference->op].kind;
    deadline = time(NULL) + seconds;
    memcpy(trial, ops, (size_t)nops * sizeof *ops);
    if (still_differs(options, difference->op + 1))
        nops = enough;
    for (int round = 0; round < 3 && time(NULL) < deadline; round++) {
        int before = nops;
        int size = 1;
        while (size * 2 < nops)
            size *= 2;
        for (; size > 0; size /= 2)
            nops = take_out(options, ops, nops, size);
        if (nops == before && round > 0)
            break;
        simplify(options, ops, nops);
    }
    return nops;
}
