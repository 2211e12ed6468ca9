/*
 * What decides, wherever a fuzzer has a choice: a random generator, or the bytes that a
 * coverage-guided one gives.
 */
#ifndef CHOICES_H
#define CHOICES_H

#include <stddef.h>
#include <stdint.h>

struct choices {
    uint64_t state;
    const uint8_t *bytes; /* NULL: random */
    size_t left;
};

uint64_t choose(struct choices *choices);

#endif
