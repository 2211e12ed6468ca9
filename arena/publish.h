/*
 * The process's figures in a file that others may read: HAKMEM_PAGE_ARENA_PUBLISH.
 *
 * The file is DIRECTORY/<process id>, 0600, a publish_page of native 64-bit words. With "1" the
 * directory is the first of these that can be had: $XDG_RUNTIME_DIR/pagearena,
 * /run/user/UID/pagearena, /tmp/pagearena-UID. It is made, 0700, where it is not there; one that is
 * not the user's own, or that others may write to, is refused with one line on stderr.
 *
 * Figures are those of at most 64 calls and about 20 ms before the last call that a thread made; an
 * idle process does not touch its page. They are written by the kernel (process_vm_writev(2)), so
 * that a full disk or a file that was cut short is a refusal to us and no SIGBUS; no descriptor is
 * kept, which the program might close and open for something else.
 *
 * The file goes at exit. What a killed process leaves is for readers to remove: it is stale unless
 * /proc/<pid>/stat has the same start time and start of the stack, which exec(2) changes. The child
 * of a fork(2) publishes a page of its own; one of vfork(2) or of a plain clone(2) none.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "stats.h"

#define PUBLISH_MAGIC 0x4552414547415021 /* "!PAGEARE" */
#define PUBLISH_VERSION 2
#define PUBLISH_NAME 16

struct publish_page {
    uint64_t magic;
    uint64_t version;
    uint64_t nbytes;  /* of this structure */
    uint64_t updates; /* how often it was written; the same as again, or it is being written */
    uint64_t pid;
    uint64_t start_time;    /* field 22 of /proc/self/stat: clock ticks after boot */
    uint64_t start_stack;   /* field 28 */
    uint64_t pid_namespace; /* the inode of /proc/self/ns/pid */
    uint64_t updated_ms;    /* CLOCK_MONOTONIC */
    char name[PUBLISH_NAME];
    uint64_t live_peak; /* as far as it was seen */
    struct stats stats;
    uint64_t again;
};

/* Publishes from here on if the knobs say so. Needs thread_init. */
void publish_init(void);

#endif
