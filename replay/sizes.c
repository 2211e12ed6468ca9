#include "sizes.h"

#include <stdio.h>

#include "config.h"

static struct sizes {
    const char *name;
    size_t most;
    uint64_t requests, bytes, freed, lived_ms;
} sizes[] = {
    {"4k", 4 * KIB, 0, 0, 0, 0}, {"64k", 64 * KIB, 0, 0, 0, 0}, {"128k", 128 * KIB, 0, 0, 0, 0},
    {"2m", 2 * MIB, 0, 0, 0, 0}, {"32m", 32 * MIB, 0, 0, 0, 0}, {"more", SIZE_MAX, 0, 0, 0, 0},
};

static struct sizes *sizes_for(size_t nbytes)
{
    struct sizes *fits = sizes;
    while (nbytes > fits->most)
        fits++;
    return fits;
}

void sizes_note(size_t nbytes)
{
    struct sizes *fits = sizes_for(nbytes);
    fits->requests++;
    fits->bytes += nbytes;
}

void sizes_note_free(size_t nbytes, uint64_t lived_ms)
{
    struct sizes *fits = sizes_for(nbytes);
    fits->freed++;
    fits->lived_ms += lived_ms;
}

void sizes_print(void)
{
    uint64_t requests = 0, bytes = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct sizes *one = &sizes[i];
        printf("requests.%s %lu\nbytes.%s %lu\nfreed.%s %lu\nlived_ms.%s %lu\n", one->name,
               one->requests, one->name, one->bytes, one->name, one->freed, one->name,
               one->lived_ms);
        requests += one->requests;
        bytes += one->bytes;
    }
    printf("requests %lu\nbytes %lu\n", requests, bytes);
}
