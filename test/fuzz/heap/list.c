#include "list.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char *const kind_names[NSTEPKINDS] = {
#define NAME(name) #name,
    STEP_KINDS(NAME)
#undef NAME
};

static const char *const fault_texts[] = {
#define TEXT(name, text) text,
    FAULTS(TEXT)
#undef TEXT
};

/* The call, as C has it: p is the slot's block, n the length of its mapping. */
static void print_call(FILE *to, const struct step *step)
{
    int p = step->slot;
    unsigned long size = step->size, count = step->count, align = step->align;
    switch ((enum step_kind)step->kind) {
    case STEP_MALLOC:
        fprintf(to, "p[%d] = malloc(%lu);", p, size);
        break;
    case STEP_CALLOC:
        fprintf(to, "p[%d] = calloc(%lu, %lu);", p, count, size);
        break;
    case STEP_ALIGNED_ALLOC:
        fprintf(to, "p[%d] = aligned_alloc(%lu, %lu);", p, align, size);
        break;
    case STEP_MEMALIGN:
        fprintf(to, "p[%d] = memalign(%lu, %lu);", p, align, size);
        break;
    case STEP_POSIX_MEMALIGN:
        fprintf(to, "posix_memalign(&p[%d], %lu, %lu);", p, align, size);
        break;
    case STEP_VALLOC:
        fprintf(to, "p[%d] = valloc(%lu);", p, size);
        break;
    case STEP_PVALLOC:
        fprintf(to, "p[%d] = pvalloc(%lu);", p, size);
        break;
    case STEP_MAP:
        fprintf(to, "p[%d] = mmap(NULL, %lu, 3, 0x22, -1, 0);", p, size);
        break;
    case STEP_REALLOC:
        fprintf(to, "p[%d] = realloc(p[%d], %lu);", p, p, size);
        break;
    case STEP_REALLOCARRAY:
        fprintf(to, "p[%d] = reallocarray(p[%d], %lu, %lu);", p, p, count, size);
        break;
    case STEP_FREE:
        fprintf(to, "free(p[%d]);", p);
        break;
    case STEP_USABLE:
        fprintf(to, "malloc_usable_size(p[%d]);", p);
        break;
    case STEP_UNMAP:
        fprintf(to, "munmap(p[%d], n[%d]);", p, p);
        break;
    case STEP_REMAP:
        fprintf(to, "p[%d] = mremap(p[%d], n[%d], %lu, 1);", p, p, p, size);
        break;
    case STEP_CUT:
        fprintf(to, "munmap(p[%d] + %lu, n[%d] - %lu);", p, size, p, size);
        break;
    case STEP_CHECK:
        fprintf(to, "check(p[%d]);", p);
        break;
    case STEP_TRIM:
        fputs("malloc_trim(0);", to);
        break;
    default:
        fprintf(to, "fork(); the next %lu are the child's", count);
        break;
    }
}

static void print_step(FILE *to, const struct step *step)
{
    print_call(to, step);
    fprintf(to, " // %s %d %d %d %d %d %lu %lu %lu %lu\n", kind_names[step->kind], step->thread,
            step->round, step->slot, step->style, step->usable, (unsigned long)step->size,
            (unsigned long)step->count, (unsigned long)step->align, (unsigned long)step->tag);
}

void list_print_fault(FILE *to, const struct fault *fault, const struct step *steps)
{
    fprintf(to, "fault: %s, at step %d%s: ", fault_texts[fault->kind], fault->step,
            fault->in_child ? ", in a forked child" : "");
    print_step(to, &steps[fault->step]);
    fprintf(to, "    block p[%d] at 0x%lx, of %zu bytes", fault->slot, (unsigned long)fault->addr,
            fault->size);
    switch ((enum fault_kind)fault->kind) {
    case FAULT_CONTENT:
    case FAULT_MOVED:
    case FAULT_ZERO:
        fprintf(to, "; from byte %zu: expected 0x%lx, found 0x%lx\n", fault->offset,
                (unsigned long)fault->expected, (unsigned long)fault->found);
        break;
    case FAULT_OVERLAP:
        fprintf(to, "; on p[%d] at 0x%lx, of %lu bytes\n", fault->by,
                (unsigned long)fault->expected, (unsigned long)fault->found);
        break;
    case FAULT_CRASH:
        if (WIFSIGNALED(fault->by))
            fprintf(to, "; %s\n", strsignal(WTERMSIG(fault->by)));
        else
            fprintf(to, "; status %d\n", WEXITSTATUS(fault->by));
        break;
    case FAULT_ALIGNMENT:
    case FAULT_GRANTED:
        fprintf(to, "; asked for 0x%lx, got 0x%lx\n", (unsigned long)fault->expected,
                (unsigned long)fault->found);
        break;
    default:
        fprintf(to, "; expected %lu, found %lu\n", (unsigned long)fault->expected,
                (unsigned long)fault->found);
        break;
    }
}

void list_print(FILE *to, const struct step *steps, int nsteps, const char *title)
{
    fprintf(to, "/* %s */\n", title);
    fputs("/* call // kind thread round slot style usable size count align tag */\n", to);
    for (int i = 0; i < nsteps; i++)
        print_step(to, &steps[i]);
}

static int kind_of(const char *name)
{
    int kind = 0;
    while (kind < NSTEPKINDS && strcmp(name, kind_names[kind]) != 0)
        kind++;
    return kind;
}

int list_read(FILE *from, struct step *steps, int most)
{
    char line[512], name[32];
    int count = 0;
    while (count < most && fgets(line, sizeof line, from) != NULL) {
        const char *fields = strstr(line, "// ");
        unsigned thread, round, slot, style, usable;
        unsigned long size, number, align, tag;
        if (fields == NULL ||
            sscanf(fields, "// %31s %u %u %u %u %u %lu %lu %lu %lu", name, &thread, &round, &slot,
                   &style, &usable, &size, &number, &align, &tag) != 10)
            continue;
        int kind = kind_of(name);
        if (kind == NSTEPKINDS || thread >= THREADS_MOST || slot >= NSLOTS || style >= NSTYLES)
            continue;
        steps[count++] = (struct step){.kind = (uint8_t)kind,
                                       .thread = (uint8_t)thread,
                                       .style = (uint8_t)style,
                                       .usable = usable != 0,
                                       .slot = (uint16_t)slot,
                                       .round = (uint16_t)round,
                                       .size = size,
                                       .count = number,
                                       .align = align,
                                       .tag = tag};
    }
    return count;
}
