/*
 * kernel/core/printk.h - the kernel log and the consoles that show it.
 *
 * Every line goes into a ring (dmesg, /proc/kmsg, panic) with its time stamp
 * and level, and to each console whose level lets it through.  Usable from
 * any context, from the first C instruction on, also with locks held and in
 * an NMI (then only into the ring).
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
};

void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void vprintk(enum log_level level, const char *fmt, va_list ap);

#define pr_err(...) printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/*
 * Where log lines appear.  write() may be called with interrupts off and
 * must not sleep nor print.
 */
struct console {
    const char *name; /* as in console=NAME */
    void (*write)(struct console *con, const char *text, size_t len);
    struct list_head link; /* printk's */
};

void console_register(struct console *con); /* replays the ring to it */
void console_unregister(struct console *con);

/* Lines above this level stay in the ring only ("quiet", "loglevel=N"). */
extern int console_loglevel;

/*
 * Copies log text (with "<level>[time] " prefixes if `raw`) that starts at
 * *seq, advancing it; returns bytes, 0 at the end.  For syslog(2), panic.
 */
size_t log_read(u64 *seq, char *buf, size_t size, bool raw);
u64 log_first_seq(void);
u64 log_next_seq(void);
