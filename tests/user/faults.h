/*
 * tests/user/faults.h - accesses that may fault: what their signal says.
 *
 *     catch_faults();
 *     FAULT(*p = 1);
 *     is(fault.sig, SIGSEGV, "a write there");
 */
#pragma once

#include <setjmp.h>

#include "trial.h"

static sigjmp_buf escape;
static volatile struct {
    int sig, code, trap; /* sig 0: there was no fault */
    void *addr;
    unsigned long error, cr2;
} fault;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    fault.sig = sig;
    fault.code = info->si_code;
    fault.addr = info->si_addr;
    fault.trap = uc->uc_mcontext.gregs[REG_TRAPNO];
    fault.error = uc->uc_mcontext.gregs[REG_ERR];
    fault.cr2 = uc->uc_mcontext.gregs[REG_CR2];
    siglongjmp(escape, 1);
}

__attribute__((unused)) static void catch_faults(void)
{
    handle(SIGSEGV, on_fault, SA_NODEFER);
    handle(SIGBUS, on_fault, SA_NODEFER);
}

#define FAULT(statement)                                                       \
    do {                                                                       \
        fault.sig = 0;                                                         \
        if (!sigsetjmp(escape, 1)) {                                           \
            statement;                                                         \
        }                                                                      \
    } while (0)

/* 0: the access went well. */
__attribute__((unused)) static int try_read(const volatile char *p)
{
    FAULT((void)*p);
    return fault.sig;
}

__attribute__((unused)) static int try_write(volatile char *p)
{
    FAULT(*p = 1);
    return fault.sig;
}
