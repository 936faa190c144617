/*
 * kernel/uapi/signal.h - signal numbers, siginfo_t, frames: Linux's.
 */
#pragma once

#include <kernel/lib/types.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>

/* rt_sigaction(2)'s structure as the kernel sees it. */
struct kernel_sigaction {
    void *handler; /* user address, SIG_DFL or SIG_IGN */
    unsigned long flags;
    void *restorer;
    sigset_t mask; /* 64 signals: bit n-1 */
};
