/* Two threads open the same reservation at the same time: what either has stored there stays. */
#include "prog.h"
#include <pthread.h>
#include <signal.h>

#define ROUNDS 1000
#define NBYTES (508 << 10)

static char *reservation;
static pthread_barrier_t begun, done;

static void open_all(void)
{
    expect(mprotect(reservation, NBYTES, RW) == 0);
}

/* As collectors do it: whoever touches it first. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    char *at = info->si_addr;
    expect(signal == SIGSEGV && at >= reservation && at < reservation + NBYTES);
    open_all();
}

/* From its end, which would be cleared last: a page of its own in two. */
static void *store(void *argument)
{
    size_t mine = (size_t)(argument != NULL);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&begun);
        if (round % 2 == 0)
            open_all();
        for (size_t page = 0; page < 32; page += 2)
            reservation[NBYTES - (page + mine + 1) * PAGE] = (char)(1 + mine);
        pthread_barrier_wait(&done);
    }
    return NULL;
}

int main(void)
{
    pthread_t one, other;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    expect(sigaction(SIGSEGV, &action, NULL) == 0);
    expect(pthread_barrier_init(&begun, NULL, 3) == 0 && pthread_barrier_init(&done, NULL, 3) == 0);
    expect(pthread_create(&one, NULL, store, NULL) == 0);
    expect(pthread_create(&other, NULL, store, "") == 0);
    int lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
        fill(reservation = map(NBYTES), NBYTES, 7);
        unmap(reservation, NBYTES);
        reservation = mmap(NULL, NBYTES, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
        expect(reservation != MAP_FAILED);
        pthread_barrier_wait(&begun);
        pthread_barrier_wait(&done);
        for (size_t page = 0; page < 32; page++)
            lost += reservation[NBYTES - (page + 1) * PAGE] != (char)(1 + page % 2);
        expect(is_zero(reservation, NBYTES - 32 * PAGE));
        unmap(reservation, NBYTES);
    }
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    printf("stores lost: %d\n", lost);
}
