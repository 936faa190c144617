/*
 * kernel/x86/regs.h - what entry code leaves on the kernel stack.
 *
 * Linux's struct pt_regs, field for field, because ring 3 sees it in signal
 * frames.  The entry stubs in isr.asm and syscall.asm push in this order and
 * take the offsets from build/offsets.inc, never from numbers of their own.
 */
#pragma once

#include <kernel/lib/types.h>

struct pt_regs {
    u64 r15, r14, r13, r12, rbp, rbx; /* callee-saved */
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 orig_rax; /* system call number; else the CPU's error code */
    u64 rip, cs, rflags, rsp, ss; /* the frame that iretq consumes */
};

static inline bool user_mode(const struct pt_regs *regs)
{
    return (regs->cs & 3) == 3;
}
