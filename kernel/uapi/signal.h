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
_Static_assert(sizeof(struct kernel_sigaction) == 32, "rt_sigaction(2)");

/*
 * No kind of siginfo says anything behind these bytes.  The kernel keeps and
 * copies only them; ring 3 finds zeros behind.
 */
#define SIGINFO_USED 48

static inline void siginfo_clear(siginfo_t *info)
{
    __builtin_memset(info, 0, SIGINFO_USED);
}

static inline void siginfo_copy(siginfo_t *to, const siginfo_t *from)
{
    __builtin_memcpy(to, from, SIGINFO_USED);
}

static inline void siginfo_clear_rest(siginfo_t *info)
{
    __builtin_memset((char *)info + SIGINFO_USED, 0,
                     sizeof(*info) - SIGINFO_USED);
}
