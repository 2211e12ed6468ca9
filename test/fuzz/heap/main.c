/*
 * heapfuzz: runs sequences of malloc, free and their like, mixed with mmap and its like, under the
 * shim, and holds what they give against a shadow heap. See ../README.md.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attempt.h"
#include "command.h"
#include "list.h"
#include "reduce.h"

static struct step steps[STEPS_MOST];

static struct {
    uint64_t seed;
    long nsteps;
    long seconds;
    int sequence; /* steps for one process */
    int shrink_seconds;
    const char *replay;
    const char *save;
    struct attempt attempt;
} options = {.nsteps = 10000000, .sequence = 500000, .shrink_seconds = 120};

static const char usage[] =
    "usage: heapfuzz [--config default|guard|tiny|min4k|threads|fork|scarce|handover|off] [--seed N]\n"
    "                [--ops N] [--seconds N] [--sequence N] [--shim LIBRARY] [--save FILE]\n"
    "                [--shrink SECONDS] [--replay FILE]\n";

static void parse(int count, char **arguments)
{
    options.attempt.plan = g_plans;
    options.seed = (uint64_t)time(NULL);
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(name, "--config") == 0)
            options.attempt.plan = plan_find(value);
        else if (strcmp(name, "--seed") == 0)
            options.seed = (uint64_t)command_number(value);
        else if (strcmp(name, "--ops") == 0)
            options.nsteps = command_number(value);
        else if (strcmp(name, "--seconds") == 0)
            options.seconds = command_number(value);
        else if (strcmp(name, "--sequence") == 0)
            options.sequence = (int)command_number(value);
        else if (strcmp(name, "--shrink") == 0)
            options.shrink_seconds = (int)command_number(value);
        else if (strcmp(name, "--shim") == 0)
            options.attempt.shim = value;
        else if (strcmp(name, "--save") == 0)
            options.save = value;
        else if (strcmp(name, "--replay") == 0)
            options.replay = value;
        else
            options.attempt.plan = NULL;
        if (options.attempt.plan == NULL || options.sequence < 1) {
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (options.sequence > STEPS_MOST)
        options.sequence = STEPS_MOST;
    options.attempt.shim = command_shim(options.attempt.shim);
}

/* Shrinks, and prints what is left. */
static void explain(struct fault fault, int nsteps)
{
    char title[128];
    list_print_fault(stdout, &fault, steps);
    fflush(stdout);
    if (options.shrink_seconds > 0) {
        nsteps = reduce(&options.attempt, &fault, steps, nsteps, options.shrink_seconds);
        fault = attempt_run(&options.attempt, steps, nsteps);
        printf("shrunk to %d steps; ", nsteps);
        if (fault.kind == FAULT_NONE)
            puts("it comes and goes");
        else
            list_print_fault(stdout, &fault, steps);
    }
    snprintf(title, sizeof title, "heapfuzz --config %s --replay", options.attempt.plan->name);
    FILE *to = options.save != NULL ? command_open(options.save, "w") : stdout;
    list_print(to, steps, nsteps, title);
    if (to != stdout)
        fclose(to);
}

static int run_file(void)
{
    FILE *from = command_open(options.replay, "r");
    int nsteps = list_read(from, steps, STEPS_MOST);
    fclose(from);
    struct fault fault = attempt_run(&options.attempt, steps, nsteps);
    printf("%d operations: ", nsteps);
    if (fault.kind == FAULT_NONE)
        puts("nothing wrong");
    else
        explain(fault, nsteps);
    return fault.kind != FAULT_NONE;
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--worker") == 0)
        attempt_work(arguments[2]);
    parse(count, arguments);
    attempt_init();
    if (options.replay != NULL)
        return run_file();

    double begin = command_now();
    long done = 0;
    int nsteps = 0;
    struct fault fault = {.kind = FAULT_NONE};
    struct choices choices = {options.seed, NULL, 0};
    printf("config %s, seed %lu\n", options.attempt.plan->name, (unsigned long)options.seed);
    fflush(stdout);
    while (fault.kind == FAULT_NONE && done < options.nsteps &&
           (options.seconds == 0 || command_now() - begin < (double)options.seconds)) {
        long left = options.nsteps - done;
        nsteps = left < options.sequence ? (int)left : options.sequence;
        plan_make(&choices, options.attempt.plan, steps, nsteps);
        fault = attempt_run(&options.attempt, steps, nsteps);
        done += fault.kind == FAULT_NONE ? nsteps : fault.step + 1;
    }
    double took = command_now() - begin;
    printf("%ld operations, %.0f a second: %s\n", done, (double)done / took,
           fault.kind == FAULT_NONE ? "nothing wrong" : "a fault");
    fflush(stdout);
    if (fault.kind != FAULT_NONE)
        explain(fault, nsteps);
    return fault.kind != FAULT_NONE;
}
