/*
 * Threads that map and unmap, and signal one another all the time; the handler maps and unmaps as
 * well.
 */
#include <signal.h>

#include "busy_threads.h"

#define THREADS 4
#define TURNS 1500

static pthread_t threads[THREADS];
static pthread_barrier_t start;
static size_t nsignals;

static void on_signal(int unused)
{
    (void)unused;
    int before = errno;
    busy_cycle(__atomic_add_fetch(&nsignals, 1, __ATOMIC_RELAXED), 200);
    errno = before;
}

static void *run(void *number)
{
    pthread_barrier_wait(&start);
    for (size_t turn = 0; turn < TURNS; turn++) {
        expect(pthread_kill(threads[((size_t)number + turn) % THREADS], SIGUSR1) == 0);
        busy_cycle(turn, 50 * (size_t)number);
    }
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    pthread_barrier_init(&start, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++)
        expect(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
    pthread_barrier_wait(&start);
    for (size_t i = 0; i < THREADS; i++)
        expect(pthread_join(threads[i], NULL) == 0);
    expect(nsignals >= TURNS);
    unmap(map_served(16 * PAGE), 16 * PAGE);
    puts("contents ok");
}
