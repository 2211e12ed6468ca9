/*
 * Uses memory after it was given back, and dies of it where GUARD is on. guard.bats looks at what is said.
 *
 * usage: use_late map|part|malloc|thread|null|raise|kept|chained
 */
#include <pthread.h>
#include <signal.h>

#include "prog.h"

#define NBYTES ((size_t)20 * PAGE)

static void *unmap_all(void *p)
{
    printf("unmapped by %d\n", gettid());
    unmap(p, NBYTES);
    return NULL;
}

static void unmap_in_thread(char *p)
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, unmap_all, p) == 0);
    expect(pthread_join(thread, NULL) == 0);
}

static void leave(int number)
{
    (void)number;
    static const char text[] = "the program's own handler\n";
    _exit(write(1, text, sizeof text - 1) < 0);
}

static struct sigaction before;

/* As runtimes do it that keep what was there before them. */
static void pass_on(int number)
{
    sigaction(number, &before, NULL);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "map";
    char *p = strcmp(how, "malloc") == 0 ? malloc(NBYTES) : map_served(NBYTES);
    size_t at = PAGE + 5;
    fill(p, NBYTES, 1);
    setvbuf(stdout, NULL, _IONBF, 0);
    if (strcmp(how, "kept") == 0)
        signal(SIGSEGV, leave);
    if (strcmp(how, "chained") == 0)
        sigaction(SIGSEGV, &(struct sigaction){.sa_handler = pass_on}, &before);
    if (strcmp(how, "raise") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "null") == 0)
        p = NULL;
    else if (strcmp(how, "malloc") == 0)
        free(p);
    else if (strcmp(how, "thread") == 0)
        unmap_in_thread(p);
    else if (strcmp(how, "part") == 0)
        unmap(p + PAGE, PAGE);
    else
        unmap(p, NBYTES);
    printf("used by %d at %p\n", gettid(), (void *)(p + at));
    *(volatile char *)(p + at) = 1;
    puts("still here");
}
