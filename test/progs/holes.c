/* Calls on ranges with unmapped pages: ENOMEM, and as much done as the kernel does. */
#include "prog.h"

#define N 12
#define HOLE 4 /* pages 4 to 7 */

static char *p;
static unsigned char residency[N];

static void make(void)
{
    p = map_served(N * PAGE);
    fill(p, N * PAGE, 1);
    unmap(p + HOLE * PAGE, 4 * PAGE);
}

static void drop(void)
{
    unmap(p, N * PAGE);
    reuse(p, N * PAGE);
}

/* One letter for each page: r or w for what may be done to it, - for unmapped, 0 for zero. */
static void picture(const char *what, int result)
{
    char letters[N + 1] = {0};
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], prot[8];
    uintptr_t start, end;
    int error = errno;
    memset(letters, '-', N);
    while (fgets(line, sizeof line, maps) != NULL) {
        expect(sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3);
        for (size_t i = 0; i < N; i++)
            if ((uintptr_t)p + i * PAGE >= start && (uintptr_t)p + i * PAGE < end &&
                is_mapped(p + i * PAGE, 1))
                letters[i] = prot[1] == 'w' ? (is_zero(p + i * PAGE, PAGE) ? '0' : 'w') : prot[0];
    }
    fclose(maps);
    printf("%s: %s %s\n", what, letters, result == 0 ? "ok" : strerrorname_np(error));
}

#define IN_HOLE p + HOLE *PAGE, 4 * PAGE
#define ACROSS p, N *PAGE
#define FROM_HOLE p + (HOLE + 1) * PAGE, 6 * PAGE
#define INTO_HOLE p + 2 * PAGE, 4 * PAGE

#define EACH(call, ...)                                                                            \
    do {                                                                                           \
        make();                                                                                    \
        picture(#call " in hole", call(IN_HOLE, __VA_ARGS__));                                     \
        picture(#call " from hole", call(FROM_HOLE, __VA_ARGS__));                                 \
        picture(#call " into hole", call(INTO_HOLE, __VA_ARGS__));                                 \
        picture(#call " across", call(ACROSS, __VA_ARGS__));                                       \
        drop();                                                                                    \
    } while (0)

static int lock(void *at, size_t nbytes, int flags)
{
    return mlock2(at, nbytes, (unsigned)flags);
}

static int unlock(void *at, size_t nbytes, int unused)
{
    (void)unused;
    return munlock(at, nbytes);
}

int main(void)
{
    EACH(mprotect, PROT_READ);
    EACH(mprotect, PROT_NONE);
    EACH(madvise, MADV_DONTNEED);
    EACH(madvise, MADV_WILLNEED);
    EACH(madvise, MADV_DONTFORK);
    EACH(madvise, 23); /* MADV_POPULATE_WRITE */
    EACH(posix_madvise, POSIX_MADV_WILLNEED);
    EACH(msync, MS_SYNC);
    EACH(mincore, residency);

    make();
    long before = status_kb("VmLck:");
    picture("mlock in hole", lock(IN_HOLE, 0));
    printf("locked: %ld KB\n", status_kb("VmLck:") - before);
    picture("mlock across", lock(ACROSS, 0));
    printf("locked: %ld KB\n", status_kb("VmLck:") - before);
    picture("munlock into hole", unlock(INTO_HOLE, 0));
    printf("locked: %ld KB\n", status_kb("VmLck:") - before);
    picture("mlock from hole", lock(FROM_HOLE, MLOCK_ONFAULT));
    printf("locked: %ld KB\n", status_kb("VmLck:") - before);
    drop();
    printf("locked: %ld KB\n", status_kb("VmLck:") - before);
}
