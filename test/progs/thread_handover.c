/* Eight threads map, fill, hand over to one another, check and unmap. */
#include <pthread.h>

#include "prog.h"

#define THREADS 8
#define TURNS 700
#define SLOTS 64

struct parcel {
    char *p;
    size_t nbytes;
    size_t seed;
};

static struct parcel slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct parcel exchange(size_t slot, struct parcel parcel)
{
    pthread_mutex_lock(&lock);
    struct parcel other = slots[slot];
    slots[slot] = parcel;
    pthread_mutex_unlock(&lock);
    return other;
}

static void receive(struct parcel parcel)
{
    if (parcel.p == NULL)
        return;
    expect(is_filled(parcel.p, parcel.nbytes, parcel.seed));
    size_t head = parcel.seed % 3 == 0 ? parcel.nbytes / PAGE / 2 * PAGE : 0;
    if (head != 0)
        unmap(parcel.p, head);
    unmap(parcel.p + head, parcel.nbytes - head);
}

static void *run(void *number)
{
    static const size_t npages[] = {1, 16, 1, 5, 32, 1, 17, 64, 1, 2, 512};
    unsigned random = (unsigned)(size_t)number;
    for (size_t turn = 0; turn < TURNS; turn++) {
        size_t n = npages[(size_t)rand_r(&random) % (COUNT(npages) - (turn % 16 != 0))];
        struct parcel parcel = {map_served(n * PAGE), n * PAGE, turn};
        expect(is_zero(parcel.p, parcel.nbytes));
        fill(parcel.p, parcel.nbytes, parcel.seed);
        receive(exchange((size_t)rand_r(&random) % SLOTS, parcel));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        expect(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        expect(pthread_join(threads[i], NULL) == 0);
    for (size_t i = 0; i < SLOTS; i++)
        receive(slots[i]);
    puts("contents ok");
}
