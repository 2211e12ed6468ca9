/*
 * The region as a part of the address space: what an interposer of mmap(2) needs, in terms of
 * addresses. This is the one header that the shim includes.
 *
 * Ranges are any ranges of the address space, page-aligned at both ends; each function acts on the
 * part that lies in the region. All may be called from signal handlers that interrupted any other.
 */
#ifndef SPACE_H
#define SPACE_H

#include "background.h"
#include "claim.h"
#include "config.h"
#include "guard.h"
#include "message.h"
#include "odd.h"
#include "os.h"
#include "region.h"
#include "start.h"
#include "stats.h"

struct range {
    uintptr_t start;
    uintptr_t end;
};

static inline struct range range_of(const void *addr, size_t nbytes)
{
    return (struct range){(uintptr_t)addr, (uintptr_t)addr + nbytes};
}

static inline bool space_overlaps(struct range range)
{
    return range.start < g_region.base + g_region.nbytes && range.end > g_region.base &&
           range.start < range.end;
}

/* The part of a range that lies in the region; empty (start == end) if none does. */
struct range space_clip(struct range range);

/* Memory that reads as zero and is now the program's; NULL: the kernel must serve. */
void *space_map(size_t nbytes);

/*
 * A larger place for live pages, and their contents copied there; the old ones are freed. NULL:
 * nothing was done, since a copy does not pay, or would not be the same as a move.
 */
void *space_grow(struct range old, size_t nbytes);

/* Copies live pages of the region to fresh memory, as sparse as they are. */
void space_copy(void *to, struct range from);

/*
 * Blocks for malloc(3): at least nbytes, at a multiple of `alignment` (and of the page size), that
 * read as zero or hold anything. NULL: the next malloc must serve.
 */
void *space_block(size_t nbytes, size_t alignment, bool zero);

/*
 * The usual cases of malloc(3) and free(3), a few instructions as a rule: space_block_usual hands out a block
 * that was freed, or another, space_block_keep keeps one for that, and says how many bytes it has. NULL, 0:
 * they did not, and space_block or space_block_free is to be called. keep takes any address of the region.
 */
void *space_block_usual(size_t nbytes);
size_t space_block_keep(void *block);

/* How many bytes the block has that starts here; 0 if none does. Any address of the region. */
size_t space_block_bytes(const void *block);

/* Whether a block starts in the same page. Any address of the region. */
bool space_holds_block(const void *addr);

/* Frees a block, and returns how many bytes it had; 0 if none starts here. Any address of the region. */
size_t space_block_free(void *block);

/* Moves a block of ours to one of another size, as sparse as it is. NULL: it is as it was. */
void *space_block_move(void *block, size_t nbytes);

/* Cuts or lengthens a block where it is, to nbytes at least. False: it is as it was. */
bool space_block_resize(void *block, size_t nbytes);

/* Takes exactly this range, if all of it is free pages of the region: as space_map does. */
bool space_map_at(struct range range);

/* Frees what is live in the range. What is not is none of the program's: no error. */
void space_unmap(struct range range);

/* The first live stretch of a range inside the region; empty if there is none. */
struct range space_next_live(struct range range);

/* Whether anything of a range is live, in the region or outside; all of one inside the region. */
bool space_has_live(struct range range);
bool space_is_live(struct range range);

/* Address space that faults until it is made accessible with mprotect(2). NULL: the kernel must serve. */
void *space_reserve(size_t nbytes);

/* The same of exactly this range. False: not all of it is free pages of the region. */
bool space_reserve_at(struct range range);

/* Whether all of a range is reserved, and was not touched since in any way. */
bool space_is_reserved(struct range range);

/* Before the program, or the kernel for it, does anything to a range: none of it is reserved any more. */
void space_settle(struct range range);

/* The same before a range, reserved or not, becomes readable and writable. */
void space_commit(struct range range);

/*
 * Notes what the program does to the live pages of a range, before it is done; see odd.h. What may
 * touches the contents (torn, lent) settles reservations first.
 */
void space_mark(enum page_bit how, struct range range);
void space_unmark(enum page_bit how, struct range range);
bool space_is_odd(struct range range);
bool space_is_uniform(struct range range);

/* Before the kernel moves a range: where only some of it may have huge pages, none may. */
void space_join(struct range range);

/* Before the program gives back the memory of a range, and keeps the range; and when it has. */
void space_unfold(struct range range);
void space_discarded(struct range range);
bool space_is_sealed(struct range range);

/*
 * The kernel has no memory: gives back what is retained, and, where RLIMIT_AS counts it, address
 * space that was never used. False: there was nothing to give.
 */
bool space_relieve(void);

/* Gives back what is retained, and the addresses that were never used. */
void space_trim(void);

/*
 * Before mlockall(2) and the like: gives back all that is not live, and recycles nothing from here
 * on. space_resume: the call has failed.
 */
void space_suspend(void);
void space_resume(void);

/* For MAP_FIXED: see claim.h. */
enum claim space_claim(struct range range, bool vacant);
void space_claim_end(struct range range, bool torn);
/* `was_plain`: none of it was odd before the claim, so nothing is now that the kernel has left there. */
void space_claim_undo(struct range range, bool was_plain);

#endif
