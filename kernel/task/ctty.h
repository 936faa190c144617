/*
 * kernel/task/ctty.h - what processes need to know of terminals, which are
 * drivers and lie above them.
 *
 * signal->tty is the controlling terminal; drivers/char/tty.c fills the table
 * in at start-up.  NULL: no terminals yet, signal->tty is NULL everywhere.
 */
#pragma once

#include <kernel/lib/types.h>

struct task_struct;
struct tty;

struct ctty_ops {
    dev_t (*dev)(const struct tty *tty);        /* /proc/PID/stat tty_nr */
    pid_t (*foreground)(const struct tty *tty); /* tpgid; 0: none */
    /* `leader`, leader of a session, is about to exit: the foreground group
     * gets SIGHUP, its terminal is hung up unless it is a pty, and no process
     * of the session has one afterwards.  No lock held; may sleep. */
    void (*session_exit)(struct task_struct *leader);
};

extern const struct ctty_ops *ctty_ops;
