/*
 * mm/asid.h - which address spaces a CPU's TLB may still know, by PCID.
 *
 * A CPU with PCID keeps translations of several address spaces at once, each
 * under a number.  A few numbers per CPU are dealt out in turn; beside each
 * stands whose it is and up to which generation of that address space the CPU
 * has flushed, so that coming back needs a flush only if something changed.
 * Pure; a CPU touches its own table only, with interrupts off.
 */
#pragma once

#include <kernel/lib/types.h>

#define NR_ASIDS 6 /* more would seldom be found again */
#define NO_ASID NR_ASIDS

struct asid_slot {
    u64 owner; /* mm->id; 0: nobody */
    u64 seen;  /* generation that this CPU has flushed up to */
};

struct asid_table {
    struct asid_slot slot[NR_ASIDS];
    u8 current; /* whose translations the CPU adds now, or NO_ASID */
    u8 next;    /* dealt out next */
};

/*
 * The owner's slot becomes the current one, with `generation` as seen.
 * Returns whether what the TLB holds under its number must go first: it is
 * another's, or older.
 */
bool asid_choose(struct asid_table *table, u64 owner, u64 generation);

/* All slots but the current one are nobody's: their next use flushes. */
void asid_forget_others(struct asid_table *table);
