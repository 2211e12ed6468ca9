#include "choices.h"

/* The splitmix64 sequence. */
uint64_t choose(struct choices *choices)
{
    uint64_t z;
    if (choices->bytes != NULL) {
        z = 0;
        for (int i = 0; i < 2 && choices->left > 0; i++, choices->left--)
            z = z << 8 | *choices->bytes++;
        return z;
    }
    z = choices->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
