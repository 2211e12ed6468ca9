#include "print.h"

#include <inttypes.h>
#include <string.h>

const char *const op_names[NKINDS] = {
#define NAME(name) #name,
    OP_KINDS(NAME)
#undef NAME
};

static const char *const difference_names[] = {
#define TEXT(name, text) text,
    DIFFERENCES(TEXT)
#undef TEXT
};

static const char prelude[] =
    "#include <errno.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n"
    "#include <sys/mman.h>\n#include <sys/syscall.h>\n#include <sys/uio.h>\n"
    "#include <sys/prctl.h>\n#include <sys/wait.h>\n#include <unistd.h>\n"
    "/* cc -D_GNU_SOURCE; run it with the preload and without, and compare what it says. */\n"
    "static char *slot[24];\nstatic int files[4] = {-1, -1, -1, 9999}, ends[2], key;\n"
    "static unsigned char residency[65536];\n"
    "static long line;\n"
    "static void say(const char *what, long value)\n{\n"
    "    int error = errno;\n"
    "    printf(\"%ld %s %s %s\\n\", line, what, value == -1 ? \"failed:\" : \"ok\",\n"
    "           value == -1 ? strerror(error) : \"\");\n    fflush(stdout);\n    errno = 0;\n}\n"
    "static void map(int to, void *got)\n{\n    say(\"mmap\", (long)got);\n"
    "    if (got != MAP_FAILED)\n        slot[to] = got;\n}\n"
    "/* Faults are for the reader to see. */\n"
    "static void fill(char *at, long n, long step, int style, unsigned long seed)\n{\n"
    "    for (long i = 0; i < n; i += step)\n        if (style == 4)\n"
    "            memset(at + i * 4096, 0, 4096);\n        else if (style == 0)\n"
    "            memset(at + i * 4096, (int)(seed + i) | 1, 4096);\n        else\n"
    "            at[i * 4096 + (style == 1 ? 0 : style == 2 ? 4095 : 2048)] = 1;\n}\n"
    "static void show(const char *at, long n, long step)\n{\n    unsigned long sum = 0;\n"
    "    for (long i = 0; i < n; i += step)\n        for (int j = 0; j < 4096; j++)\n"
    "            sum = sum * 31 + (unsigned char)at[i * 4096 + j];\n"
    "    printf(\"%ld sum %lx\\n\", line, sum);\n    fflush(stdout);\n}\n"
    "int main(void)\n{\n"
    "    for (int i = 0; i < 24; i++)\n"
    "        slot[i] = (char *)0x480000000000 + ((long)i << 30);\n"
    "    for (int i = 1; i < 3; i++) {\n        files[i] = memfd_create(\"f\", 0);\n"
    "        if (ftruncate(files[i], 64 * 4096) != 0)\n            return 1;\n    }\n"
    "    if (pipe(ends) != 0)\n        return 1;\n    key = pkey_alloc(0, 0);\n";

void print_difference(FILE *to, const struct difference *difference, const struct op *ops)
{
    fprintf(to, "difference: %s, after operation %d (%s)%s", difference_names[difference->kind],
            difference->op, op_names[ops[difference->op].kind],
            difference->in_child ? ", in a child" : "");
    if (difference->addr != 0)
        fprintf(to, ", at %#lx", (unsigned long)difference->addr);
    if (difference->slot >= 0)
        fprintf(to, " (slot %d, page %ld)", difference->slot, difference->page);
    fprintf(to, "\n  kernel: %#" PRIx64, (uint64_t)difference->kernel);
    if (difference->kernel_error > 0)
        fprintf(to, " %s", strerror((int)difference->kernel_error));
    fprintf(to, "\n  shim:   %#" PRIx64, (uint64_t)difference->shim);
    if (difference->shim_error > 0)
        fprintf(to, " %s", strerror((int)difference->shim_error));
    if (difference->shim_error == -1 || difference->kernel_error == -1)
        fprintf(to, " (errno was changed)");
    fputc('\n', to);
}

static void print_map(FILE *to, const struct op *op)
{
    char hint[64] = "NULL";
    char length[64];
    if (op->other == HINT_RANDOM)
        snprintf(hint, sizeof hint, "(void *)%#lx",
                 0x490000000000 + (op->seed % (1 << 20) << 22) + op->skew);
    else if (op->other != HINT_NONE)
        snprintf(hint, sizeof hint, "slot[%d] + %ld", op->other % NSLOTS,
                 op->other_off * 4096L + op->skew);
    if (op->n < 0)
        snprintf(length, sizeof length, "%#lxul", (unsigned long)op->seed);
    else
        snprintf(length, sizeof length, "%ld", op->n * 4096L - (op->n ? op->trim : 0));
    fprintf(to, "    map(%d, mmap(%s, %s, %d, %#x, files[%d], %ld));\n", op->slot % NSLOTS, hint,
            length, op->prot, (unsigned)op->flags, op->file % 4,
            op->file % 4 == 0 ? 0 : (long)(op->key % 66 * 4096) + op->spare);
}

/* "address, length" of what an operation is about. */
static const char *range(const struct op *op)
{
    static char text[96];
    long nbytes = op->n * 4096L;
    snprintf(text, sizeof text, "slot[%d] + %ld, %ld", op->slot % NSLOTS,
             op->off * 4096L + op->skew, nbytes > op->trim ? nbytes - op->trim : nbytes);
    return text;
}

static void print_attribute(FILE *to, const struct op *op)
{
    const char *at = range(op);
    switch (op->kind) {
    case OP_PROTECT:
        if (op->key != 0)
            fprintf(to, "    say(\"pkey_mprotect\", pkey_mprotect(%s, %d, %s));\n", at, op->prot,
                    op->key == 1   ? "-1"
                    : op->key == 2 ? "0"
                                   : "key");
        else
            fprintf(to, "    say(\"mprotect\", mprotect(%s, %d));\n", at, op->prot);
        break;
    case OP_ADVISE:
        fprintf(to, "    say(\"madvise\", madvise(%s, %d));\n", at, op->flags);
        break;
    case OP_LOCK:
        fprintf(to, "    say(\"mlock\", mlock%s%s", op->flags == -1 ? "(" : "2(", at);
        if (op->flags != -1)
            fprintf(to, ", %d", op->flags);
        fputs("));\n", to);
        break;
    case OP_UNLOCK:
        fprintf(to, "    say(\"munlock\", munlock(%s));\n", at);
        break;
    case OP_SYNC:
        fprintf(to, "    say(\"msync\", msync(%s, %d));\n", at, op->flags);
        break;
    case OP_CORE:
        fprintf(to, "    say(\"mincore\", mincore(%s, residency));\n", at);
        break;
    case OP_BIND:
        fprintf(to, "    say(\"mbind\", syscall(SYS_mbind, %s, %d, %s, %dL, 0L));\n", at, op->flags,
                op->flags ? "(long[]){1}" : "NULL", op->flags ? 8 : 0);
        break;
    case OP_NAME:
        fprintf(to, "    say(\"prctl\", prctl(0x53564d41, 0, %s, %s));\n", at,
                op->flags ? "\"fuzz\"" : "NULL");
        break;
    case OP_SEAL:
        fprintf(to, "    say(\"mseal\", syscall(462, %s, 0L));\n", at);
        break;
    case OP_REFILE:
        fprintf(to, "    say(\"remap_file_pages\", remap_file_pages(%s, %d, %u, %d));\n", at,
                op->prot, op->key, op->flags);
        break;
    case OP_SPLICE:
        fprintf(to, "    fill(slot[%d] + %ld, 1, 1, 0, %luul);\n", op->slot % NSLOTS,
                op->off * 4096L, (unsigned long)op->seed);
        fprintf(to,
                "    say(\"vmsplice\", vmsplice(ends[1], &(struct iovec){slot[%d] + %ld, 4096}, 1, "
                "2));\n",
                op->slot % NSLOTS, op->off * 4096L);
        fprintf(to, "    munmap(slot[%d] + %ld, 4096);\n", op->slot % NSLOTS, op->off * 4096L);
        break;
    default:
        fputs("    say(\"read\", read(ends[0], residency, sizeof residency));\n", to);
        fputs("    show((char *)residency, 16, 1);\n", to);
        break;
    }
}

static void print_op(FILE *to, const struct op *op)
{
    int step = op->other_n < 1 ? 1 : op->other_n;
    switch (op->kind) {
    case OP_MAP:
        print_map(to, op);
        break;
    case OP_MAP_OVER:
        fprintf(to, "    say(\"mmap\", (long)mmap(%s, %d, %#x, files[%d], %ld));\n", range(op),
                op->prot, (unsigned)op->flags, op->file % 4,
                op->file % 4 == 0 ? 0 : (long)(op->key % 66 * 4096) + op->spare);
        break;
    case OP_UNMAP:
        fprintf(to, "    say(\"munmap\", munmap(%s));\n", range(op));
        break;
    case OP_REMAP:
        if ((op->flags & 2) != 0)
            fputs("    say(\"mremap\", (long)", to);
        else
            fprintf(to, "    map(%d, ", op->into % NSLOTS);
        fprintf(to, "mremap(%s, %ld, %d, slot[%d] + %ld));\n", range(op),
                op->other_n * 4096L - (op->other_n ? op->trim : 0), op->flags, op->other % NSLOTS,
                op->other_off * 4096L);
        break;
    case OP_WRITE:
        fprintf(to, "    fill(slot[%d] + %ld, %d, %d, %d, %luul);\n", op->slot % NSLOTS,
                op->off * 4096L, op->n, step, op->flags % NSTYLES, (unsigned long)op->seed);
        break;
    case OP_READ:
        fprintf(to, "    show(slot[%d] + %ld, %d, %d);\n", op->slot % NSLOTS, op->off * 4096L,
                op->n, step);
        break;
    default:
        print_attribute(to, op);
        break;
    }
}

static void print_data(FILE *to, const struct op *op)
{
    fprintf(to, "    line++; // op %s", op_names[op->kind]);
    const uint8_t *bytes = (const uint8_t *)op;
    fputc(' ', to);
    for (size_t i = 0; i < sizeof *op; i++)
        fprintf(to, "%02x", bytes[i]);
    fputc('\n', to);
}

void print_program(FILE *to, const struct op *ops, int nops, const char *title)
{
    fprintf(to, "/* %s */\n%s", title, prelude);
    int closes[64];
    int depth = 0;
    for (int i = 0; i < nops; i++) {
        print_data(to, &ops[i]);
        if (ops[i].kind != OP_FORK) {
            print_op(to, &ops[i]);
        } else if (depth < 64) {
            int limit = depth > 0 ? closes[depth - 1] : nops - 1;
            closes[depth] = i + ops[i].n < limit ? i + ops[i].n : limit;
            depth++;
            fputs("    if (fork() == 0) {\n", to);
        }
        while (depth > 0 && closes[depth - 1] <= i) {
            fputs("    _exit(0);\n    }\n    wait(NULL);\n", to);
            depth--;
        }
    }
    fputs("    return 0;\n}\n", to);
}

int print_read(FILE *from, struct op *ops, int most)
{
    char line[1024];
    int count = 0;
    while (count < most && fgets(line, sizeof line, from) != NULL) {
        char *at = strstr(line, "// op ");
        if (at == NULL || (at = strchr(at + 6, ' ')) == NULL)
            continue;
        uint8_t *bytes = (uint8_t *)&ops[count++];
        for (size_t i = 0; i < sizeof *ops; i++) {
            unsigned value = 0;
            sscanf(at + 1 + 2 * i, "%2x", &value);
            bytes[i] = (uint8_t)value;
        }
    }
    return count;
}
