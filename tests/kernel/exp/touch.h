/*
 * tests/kernel/exp/touch.h - doing an access on purpose that may fault, and
 * counting the faults that the kernel takes.
 *
 * While a watch is on, this task's page faults in kernel mode come here first;
 * those of exp_touch end at the instruction after, all others go their normal
 * way and are only counted.
 */
#pragma once

#include <kernel/lib/types.h>

enum touch { TOUCH_READ, TOUCH_WRITE, TOUCH_EXEC };

struct touch_result {
    bool faulted;
    u32 error; /* the CPU's error code */
    u64 cr2;
    u8 value; /* what a read got */
};

void exp_watch_start(void);
u64 exp_watch_faults(void); /* kernel page faults since the start */
void exp_watch_stop(void);

/*
 * One byte at addr: read, written (with 0xc3, a RET), or called - where a
 * RET must stand.  Needs the watch.  Interrupts are off meanwhile.
 */
struct touch_result exp_touch(const volatile void *addr, enum touch how);

/* The same with EFLAGS.AC set: SMAP lets user pages through.  Only on a CPU
 * that has SMAP. */
struct touch_result exp_touch_ac(const volatile void *addr, enum touch how);

/* "read ok value=0x7f", "#PF err=0x2 cr2=0x..." */
const char *exp_touch_words(const struct touch_result *r, char *buf,
                            size_t size);
