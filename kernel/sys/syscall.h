/*
 * kernel/sys/syscall.h - the table of system calls and what surrounds it.
 *
 * A call is one line in syscall.tbl (which says what the line holds) and a
 * body `long sys_NAME(...)`.  The body runs with interrupts on and may sleep;
 * its caller is `current`, whose registers task_user_regs(current) has.
 */
#pragma once

#include <kernel/lib/types.h>

typedef long syscall_fn(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

extern syscall_fn *const syscall_table[]; /* NR_SYSCALLS of syscalls_gen.h */

/* The one in use: syscall_table, or strace's, which wraps every call. */
extern syscall_fn *const *syscall_dispatch;

struct syscall_name {
    u16 number;
    const char *name;
    const char *args; /* a letter each, see strace.c; "?": no such call here */
};
extern const struct syscall_name syscall_names[]; /* Linux's, by number */
extern const unsigned int nr_syscall_names;

/* Linux's name of a number, "?" if it has none. */
const struct syscall_name *syscall_name_find(u64 number);

/* What a call without a body does: -ENOSYS, said once per program. */
long sys_ni_syscall(void);

/* Reads strace= from the command line; no cost when it is absent. */
void strace_init(void);
