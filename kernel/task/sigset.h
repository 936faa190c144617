/*
 * kernel/task/sigset.h - signal numbers as bits, and what they do by default.
 */
#pragma once

#include <kernel/uapi/signal.h>

static inline sigset_t sig_bit(int sig)
{
    return 1ul << (sig - 1);
}

#define SIG_UNBLOCKABLE (sig_bit(SIGKILL) | sig_bit(SIGSTOP))
#define SIG_DEFAULT_STOP                                                       \
    (sig_bit(SIGSTOP) | sig_bit(SIGTSTP) | sig_bit(SIGTTIN) | sig_bit(SIGTTOU))
#define SIG_DEFAULT_IGNORE                                                     \
    (sig_bit(SIGCONT) | sig_bit(SIGCHLD) | sig_bit(SIGWINCH) | sig_bit(SIGURG))
/* Caused by the very instruction: taken before all others. */
#define SIG_SYNCHRONOUS                                                        \
    (sig_bit(SIGSEGV) | sig_bit(SIGBUS) | sig_bit(SIGILL) | sig_bit(SIGTRAP) | \
     sig_bit(SIGFPE) | sig_bit(SIGSYS))

/* sigaltstack(2), asm-generic/signal-defs.h has no names for these */
#define SS_ONSTACK 1
#define SS_DISABLE 2
#define SS_AUTODISARM (1u << 31)
