/*
 * What an array language does with b = a*2 + a*3 - a/2: each operator's result is a new array of
 * 100 000 doubles, its operands are freed when they were temporaries, and the old b when there is a new.
 *
 * usage: temporaries
 * An operation is one such array: allocated, computed, freed.
 */
#include "bench.h"

#define LENGTH ((size_t)100000)
#define NROUNDS 600

static double *array(void)
{
    double *made = malloc(LENGTH * sizeof *made);
    if (!made || (uintptr_t)made % 16)
        broken("NULL, or not aligned to 16");
    return made;
}

static double *scaled(const double *a, double by)
{
    double *result = array();
    for (size_t i = 0; i < LENGTH; i++)
        result[i] = a[i] * by;
    return result;
}

/* a + b * sign; takes the operands, which are temporaries. */
static double *sum(double *a, double *b, double sign)
{
    double *result = array();
    for (size_t i = 0; i < LENGTH; i++)
        result[i] = a[i] + b[i] * sign;
    free(a);
    free(b);
    return result;
}

int main(void)
{
    double start = now();
    double *a = array(), *b = NULL;
    for (size_t i = 0; i < LENGTH; i++)
        a[i] = (double)i;
    for (int round = 0; round < NROUNDS; round++) {
        double *next = sum(sum(scaled(a, 2), scaled(a, 3), 1), scaled(a, 0.5), -1);
        free(b);
        b = next;
        for (size_t i = 0; i < LENGTH; i += PAGE / sizeof *b)
            if (b[i] != (double)i * 4.5)
                broken("an array has been written to by somebody else");
    }
    free(a);
    free(b);
    report(5.0 * NROUNDS, now() - start);
    return 0;
}
