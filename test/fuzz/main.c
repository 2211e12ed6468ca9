/*
 * pagefuzz: runs sequences of memory calls under the shim and against the kernel, and says where
 * they differ. See README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "print.h"
#include "shrink.h"

static struct op ops[OPS_MOST];

static struct {
    uint64_t seed;
    long nops;
    long seconds;
    int sequence; /* operations in one */
    int shrink_seconds;
    const char *replay;
    const char *bytes;
    const char *save;
    struct run_options run;
} options = {.nops = 1000000, .sequence = 8000, .shrink_seconds = 120, .run = {.check_every = 32}};

static const char usage[] =
    "usage: pagefuzz [--config default|guard|tiny|thp|threads|fork|big] [--seed N] [--ops N]\n"
    "                [--seconds N] [--sequence N] [--check N] [--shim LIBRARY] [--save FILE]\n"
    "                [--shrink SECONDS] [--replay PROGRAM.c | --bytes FILE]\n";

static void parse(int count, char **arguments)
{
    options.run.flavour = g_flavours;
    options.seed = (uint64_t)time(NULL);
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(name, "--config") == 0)
            options.run.flavour = flavour_find(value);
        else if (strcmp(name, "--seed") == 0)
            options.seed = (uint64_t)command_number(value);
        else if (strcmp(name, "--ops") == 0)
            options.nops = command_number(value);
        else if (strcmp(name, "--seconds") == 0)
            options.seconds = command_number(value);
        else if (strcmp(name, "--sequence") == 0)
            options.sequence = (int)command_number(value);
        else if (strcmp(name, "--check") == 0)
            options.run.check_every = (int)command_number(value);
        else if (strcmp(name, "--shrink") == 0)
            options.shrink_seconds = (int)command_number(value);
        else if (strcmp(name, "--shim") == 0)
            options.run.shim = value;
        else if (strcmp(name, "--save") == 0)
            options.save = value;
        else if (strcmp(name, "--replay") == 0)
            options.replay = value;
        else if (strcmp(name, "--bytes") == 0)
            options.bytes = value;
        else
            options.run.flavour = NULL;
        if (options.run.flavour == NULL || options.sequence < 1 || options.run.check_every < 1) {
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (options.sequence > OPS_MOST)
        options.sequence = OPS_MOST;
    options.run.shim = command_shim(options.run.shim);
}

/* Shrinks, and prints what is left. */
static void explain(struct difference difference, int nops)
{
    char title[128];
    print_difference(stdout, &difference, ops);
    fflush(stdout);
    if (options.shrink_seconds > 0) {
        struct difference again = run(&options.run, ops, nops);
        if (again.kind == DIFFERENCE_NONE) {
            printf("the same sequence shows no difference the second time\n");
        } else {
            nops = shrink(&options.run, &again, ops, nops, options.shrink_seconds);
            again = run(&options.run, ops, nops);
            printf("shrunk to %d operations; ", nops);
            if (again.kind == DIFFERENCE_NONE)
                puts("it comes and goes");
            else
                print_difference(stdout, &again, ops);
        }
    }
    snprintf(title, sizeof title, "pagefuzz --config %s --check %d --replay",
             options.run.flavour->name, options.run.check_every);
    FILE *to = options.save != NULL ? command_open(options.save, "w") : stdout;
    print_program(to, ops, nops, title);
    if (to != stdout)
        fclose(to);
}

/* One sequence from a file. */
static int run_file(void)
{
    int nops;
    if (options.replay != NULL) {
        FILE *from = command_open(options.replay, "r");
        nops = print_read(from, ops, OPS_MOST);
        fclose(from);
    } else {
        static uint8_t bytes[1 << 20];
        FILE *from = command_open(options.bytes, "r");
        struct choices choices = {0, bytes, fread(bytes, 1, sizeof bytes, from)};
        fclose(from);
        nops = generate(&choices, options.run.flavour, ops, OPS_MOST);
    }
    struct difference difference = run(&options.run, ops, nops);
    printf("%d operations: ", nops);
    if (difference.kind == DIFFERENCE_NONE)
        puts("no difference");
    else
        explain(difference, nops);
    return difference.kind != DIFFERENCE_NONE;
}

int main(int count, char **arguments)
{
    if (count == 4 && strcmp(arguments[1], "--worker") == 0)
        run_as_worker(arguments[2], arguments[3]);
    parse(count, arguments);
    run_init();
    if (options.replay != NULL || options.bytes != NULL)
        return run_file();

    double begin = command_now();
    long done = 0;
    struct difference difference = {.kind = DIFFERENCE_NONE};
    printf("config %s, seed %lu\n", options.run.flavour->name, (unsigned long)options.seed);
    fflush(stdout);
    struct choices choices = {options.seed, NULL, 0};
    int nops = 0;
    while (difference.kind == DIFFERENCE_NONE && done < options.nops &&
           (options.seconds == 0 || command_now() - begin < (double)options.seconds)) {
        nops =
            options.nops - done < options.sequence ? (int)(options.nops - done) : options.sequence;
        nops = generate(&choices, options.run.flavour, ops, nops);
        difference = run(&options.run, ops, nops);
        done += difference.kind == DIFFERENCE_NONE ? nops : difference.op + 1;
    }
    double took = command_now() - begin;
    printf("%ld operations, %.0f a second: %s\n", done, (double)done / took,
           difference.kind == DIFFERENCE_NONE ? "no difference" : "a difference");
    fflush(stdout);
    if (difference.kind != DIFFERENCE_NONE)
        explain(difference, nops);
    return difference.kind != DIFFERENCE_NONE;
}
