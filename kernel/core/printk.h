/*
 * kernel/core/printk.h - the kernel log and the consoles that show it.
 *
 * Every line goes into a ring (dmesg, /proc/kmsg, panic) with its time stamp
 * and level, and to each console whose level lets it through.  Usable from
 * any context, from the first C instruction on, also with locks held and in
 * an NMI (then only into the ring).  A text is one or more lines; the newline
 * at its end may be left out.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lib/list.h>

enum log_level { /* syslog(2) numbers */
                 LOG_EMERG,
                 LOG_ALERT,
                 LOG_CRIT,
                 LOG_ERR,
                 LOG_WARNING,
                 LOG_NOTICE,
                 LOG_INFO,
                 LOG_DEBUG,
                 LOG_PLAIN =
                     0x40, /* or-ed to one of them: no time stamp (KTAP) */
};

void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void vprintk(enum log_level level, const char *fmt, va_list ap);

#define pr_emerg(...) printk(LOG_EMERG, __VA_ARGS__)
#define pr_err(...) printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/*
 * Where log lines appear.  write() may be called with interrupts off and
 * must not sleep nor print; after a panic also with its own lock held.
 */
struct console {
    const char *name; /* as in console=NAME */
    void (*write)(struct console *con, const char *text, size_t len);
    struct list_head link; /* printk's */
    u64 seq;               /* printk's: the next line to show */
};

/* Replays the ring to it; or, if the early console has shown those lines
 * under the same name, takes over from it. */
void console_register(struct console *con);
void console_unregister(struct console *con);

/* Lines above this level stay in the ring only ("quiet", "loglevel=N"). */
extern int console_loglevel;

/* COM1, polled, as "ttyS0" until a driver registers that name.  First thing
 * in kmain after the IDT. */
void printk_init_early(void);

/* quiet, debug, loglevel=N; after the command line. */
void printk_init_options(void);

/* Shows what an NMI has left in the ring.  If a console is busy, whoever is at
 * it will show it. */
void printk_flush(void);

/* From now on consoles are written to without their lock being waited for. */
void printk_enter_panic(void);

/* The lines [from, to) once more to all consoles, whatever their level. */
void printk_show_again(u64 from, u64 to);

/*
 * Copies log text (with "<level>[time] " prefixes if `raw`) that starts at
 * *seq, advancing it; returns bytes, 0 at the end.  For syslog(2), panic.
 */
size_t log_read(u64 *seq, char *buf, size_t size, bool raw);
u64 log_first_seq(void);
u64 log_next_seq(void);
