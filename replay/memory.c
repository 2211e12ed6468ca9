#include "memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "space.h"
#include "trace.h"

struct tally g_tally;
static bool off;

/* Every system call of the library comes through here: see OS_SYSCALL in arena/os.c. */
long replay_syscall(long number, long a, long b, long c, long d, long e, long f);
long replay_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    g_tally.calls++;
    return result;
}

static uint64_t faults_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_minflt;
}

bool memory_start(enum memory memory)
{
    off = memory == MEMORY_OFF;
    if (off)
        return true;
    if (!start_arena())
        return false;
    if (memory == MEMORY_FRESH)
        g_config.guard = GUARD_TRACES;
    return true;
}

static bool is_ours(const void *addr)
{
    return region_owns((uintptr_t)addr);
}

static char *map_really(void *hint, size_t nbytes, int prot)
{
    g_tally.calls++;
    char *addr = mmap(hint, nbytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return addr == MAP_FAILED ? NULL : addr;
}

char *memory_move(void *addr, size_t nbytes, size_t new_nbytes)
{
    if (!off)
        return NULL;
    g_tally.calls++;
    char *moved = mremap(addr, nbytes, new_nbytes, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? NULL : moved;
}

char *memory_map(size_t nbytes, void *near)
{
    char *addr = NULL;
    if (!off && nbytes <= g_config.max_span) {
        if (near != NULL && is_ours(near) && space_map_at(range_of(near, nbytes)))
            return near;
        addr = space_map(nbytes);
    }
    return addr != NULL ? addr : map_really(off ? near : NULL, nbytes, PROT_READ | PROT_WRITE);
}

char *memory_reserve(size_t nbytes)
{
    char *addr = !off && nbytes <= g_config.max_span ? space_reserve(nbytes) : NULL;
    return addr != NULL ? addr : map_really(NULL, nbytes, PROT_NONE);
}

void memory_commit(void *addr, size_t nbytes)
{
    os_commit(addr, nbytes);
    if (!is_ours(addr))
        return;
    space_commit(range_of(addr, nbytes));
    space_unmark(PAGE_PROTECTED, range_of(addr, nbytes));
}

void memory_unmap(void *addr, size_t nbytes)
{
    if (is_ours(addr)) {
        space_unmap(range_of(addr, nbytes));
        return;
    }
    g_tally.calls++;
    munmap(addr, nbytes);
}

static bool takes(size_t nbytes)
{
    return !off && g_config.malloc != 0 && nbytes >= g_config.malloc_min &&
           nbytes <= g_config.max_span;
}

char *memory_block(size_t nbytes, bool zero)
{
    char *block = takes(nbytes) ? space_block(nbytes, 1, zero) : NULL;
    if (block != NULL)
        return block;
    uint64_t before = faults_now();
    block = zero ? calloc(1, nbytes) : malloc(nbytes);
    g_tally.faults += faults_now() - before;
    return block;
}

void memory_free(void *block)
{
    if (block == NULL)
        return;
    if (is_ours(block))
        space_block_free(block);
    else
        free(block);
}

static char *move(void *block, size_t had, size_t nbytes)
{
    char *moved = memory_block(nbytes, false);
    if (moved == NULL)
        return block;
    memcpy(moved, block, min_size(had, nbytes));
    memory_free(block);
    return moved;
}

/* As realloc of shim/heap.c does it; the room to grow on is in nbytes already. */
char *memory_resize(void *block, size_t nbytes)
{
    uint64_t before = faults_now();
    bool ours = is_ours(block);
    if (block == NULL)
        return memory_block(nbytes, false);
    size_t had = ours ? space_block_bytes(block) : malloc_usable_size(block);
    char *result = NULL;
    if (ours && takes(nbytes) && !space_block_resize(block, nbytes))
        result = space_block_move(block, nbytes);
    else if (ours && takes(nbytes))
        result = block;
    else if (!ours && !takes(nbytes))
        result = realloc(block, nbytes);
    if (result == NULL)
        result = move(block, had, nbytes);
    g_tally.faults += faults_now() - before;
    return result;
}

void memory_touch(char *addr, size_t nbytes)
{
    uint64_t before = faults_now();
    for (size_t i = 0; i < nbytes; i += PAGE_BYTES)
        *(volatile char *)(addr + i) = 1;
    *(volatile char *)(addr + nbytes - 1) = 1;
    g_tally.faults += faults_now() - before;
    g_tally.touched += pages_for(nbytes);
}
