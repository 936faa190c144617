/*
 * kernel/core/panic.h - what the kernel does about its own bugs.
 *
 * panic() says in words what is known: the message, registers, symbolised
 * stack, reports that modules registered (page walk of the address, current
 * process, zones), last log lines; then ends QEMU with the panic status, or
 * does as panic= says (Linux's meaning).
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lib/list.h>
#include <kernel/core/printk.h>

struct pt_regs;

void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/* The same, about the moment `regs` describes; addr: the address at fault. */
void panic_at(const struct pt_regs *regs, u64 addr, const char *fmt, ...)
    __printf(3, 4) __noreturn;

/* A part of the panic text.  Must not sleep, lock, or allocate. */
struct panic_report {
    const char *name;
    void (*print)(const struct pt_regs *regs, u64 addr); /* regs may be NULL */
    struct list_head link;
};
void panic_report_register(struct panic_report *report);

/* How the machine is left when panic is done; set by the power driver. */
extern void (*panic_exit_hook)(void);

/* Reads panic= and takes the vectors that mean the end (#DF, #MC) and the
 * NMI.  After the IDT and the command line. */
void panic_init(void);

void warn_at(const char *file, int line, const char *what); /* goes on */
void dump_stack(void);
void dump_regs(const struct pt_regs *regs);
/* Return addresses with names, from a frame pointer on. */
void dump_frames(u64 rip, u64 rbp);

/* An invariant of ours; never about user input.  On in every build. */
#define BUG_ON(cond)                                                           \
    do {                                                                       \
        if (unlikely(cond))                                                    \
            panic("BUG at %s:%d: %s", __FILE__, __LINE__, #cond);              \
    } while (0)
#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)
#define WARN_ON(cond)                                                          \
    ({                                                                         \
        bool warn_c_ = !!(cond);                                               \
        if (unlikely(warn_c_))                                                 \
            warn_at(__FILE__, __LINE__, #cond);                                \
        warn_c_;                                                               \
    })

/* Debug builds only (build/debug, DEBUG=1): may cost. */
#ifdef PAGEWALK_DEBUG
#define DEBUG_ON 1
#else
#define DEBUG_ON 0
#endif
#define ASSERT(cond)                                                           \
    do {                                                                       \
        if (DEBUG_ON)                                                          \
            BUG_ON(!(cond));                                                   \
    } while (0)
