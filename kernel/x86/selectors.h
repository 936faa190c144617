/*
 * kernel/x86/selectors.h - ds, es, fs and gs as ring 3 has loaded them.
 *
 * They mean nothing in 64-bit mode but for the bases that loading fs or gs
 * changes, and almost every program leaves them null; but one that does not
 * must neither lose them nor show them to others.
 */
#pragma once

#include <kernel/lib/types.h>

struct user_selectors {
    u16 ds, es, fs, gs;
};

/* Whether one of the CPU's, or of `s`, is not null. */
static inline bool user_selectors_any(const struct user_selectors *s)
{
    u32 ds, es, fs, gs;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | es | fs | gs | *(const u64 *)s;
}

static inline struct user_selectors user_selectors_read(void)
{
    struct user_selectors s;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(s.ds), "=r"(s.es), "=r"(s.fs), "=r"(s.gs));
    return s;
}

/* Changes the bases of ring 3's fs and gs: load those afterwards.  What was
 * once loaded by ring 3 can be loaded again.  Interrupts off. */
static inline void user_selectors_load(struct user_selectors s)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%fs\n\t"
                     "swapgs; mov %3, %%gs; swapgs"
                     :
                     : "r"((u32)s.ds), "r"((u32)s.es), "r"((u32)s.fs),
                       "r"((u32)s.gs)
                     : "memory");
}
