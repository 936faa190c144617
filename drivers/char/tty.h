/*
 * drivers/char/tty.h - terminals: a device, a line discipline, and the
 * session that it controls.
 *
 * The device calls tty_receive() with what was typed and tty_wake_writers()
 * when it has room; the terminal calls tty_ops.
 *
 * Lock letters: (l) tty->lock  (t) tasklist_lock  (c) constant
 * Order: tty->lock > the device's own lock.
 */
#pragma once

#include <drivers/char/ldisc.h>
#include <kernel/fs/fs.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitq.h>

#define PTS_MAJOR 136 /* slaves of ptys: Linux's devices.txt */

struct tty;

struct tty_ops {
    /* First open: 0 or -errno.  May sleep. */
    int (*start)(struct tty *tty);
    /* Each open, and the release of it.  May sleep; may be NULL. */
    int (*open)(struct tty *tty);
    void (*close)(struct tty *tty);
    /* The rest under tty->lock, interrupts off. */
    size_t (*write)(struct tty *tty, const u8 *bytes, size_t n); /* taken */
    size_t (*room)(struct tty *tty);          /* bytes that write would take */
    size_t (*queued)(struct tty *tty);        /* not on the wire yet */
    void (*discard)(struct tty *tty);         /* drops what is queued */
    void (*flow)(struct tty *tty, bool stop); /* of output; may be NULL */
    /* Of input: at most a FIFO's worth may come after stop.  May be NULL. */
    void (*throttle)(struct tty *tty, bool stop);
    /* A pty: the end of its session does not hang it up, its master does;
     * whoever waits for input then gets -EIO. */
    bool has_master;
};

struct tty {
    const char *name;          /* (c) as in /dev and console= */
    dev_t dev;                 /* (c) */
    const struct tty_ops *ops; /* (c) */
    spinlock_t lock;           /* irq-safe */
    struct ldisc ld;           /* (l) */
    struct winsize winsize;    /* (l) */
    u32 signals;               /* (l) typed, to be sent: BIT(number) */
    bool throttled;            /* (l) the device holds input back */
    u32 hangups;               /* (l) files opened before the last are dead */
    pid_t pgrp, session;       /* (t) foreground group; 0: none */
    struct wait_queue read_wait, write_wait;
    struct mutex open_mutex; /* start */
    bool started;            /* (open_mutex) */
};

/* What one open() of a terminal is. */
struct tty_file {
    struct tty *tty;
    u32 hangups;     /* tty->hangups then */
    bool is_console; /* through /dev/console: survives a hangup, and does not
                        stop who uses it from the background */
};

/* name, dev, ops are set.  Makes /dev/NAME.  0 or chrdev_register's error. */
int tty_register(struct tty *tty);

/* The same in steps, for terminals that come and go (pty.c): prepare once,
 * start (buffers), reset to a fresh terminal's modes, make /dev/NAME. */
void tty_prepare(struct tty *tty);
int tty_start(struct tty *tty);
void tty_reset(struct tty *tty);
int tty_add_node(struct tty *tty, mode_t mode);

/* Context: any, normally the device's interrupt. */
void tty_receive(struct tty *tty, const u8 *bytes, size_t n);
void tty_wake_writers(struct tty *tty);

/* The device went: SIGHUP to the leader of its session, then a hangup. */
void tty_vanish(struct tty *tty);
/* All files of it are dead from now on; whoever sleeps in one wakes. */
void tty_hangup(struct tty *tty);

/* tty.c, for the other files of the terminal */
bool tty_file_is_dead(const struct tty_file *tf);
void tty_update_throttle(struct tty *tty); /* Locks: tty->lock */
int tty_drain(struct tty *tty);            /* 0 or -ERESTARTSYS */

/* tty_ioctl.c */
long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* tty_job.c: sessions, foreground groups */
void tty_job_init(void);
struct tty *tty_of_current(void);
void tty_open_as_controlling(struct tty *tty, const struct file *file);
/* Whether current may use it now: 0; else SIGTTIN or SIGTTOU was sent:
 * -ERESTARTSYS; or -EIO where that would be in vain. */
int tty_check_foreground(struct tty *tty, int sig);
long tty_get_pgrp(struct tty *tty);
long tty_get_session(struct tty *tty);
long tty_set_pgrp(struct tty *tty, pid_t pgrp);
long tty_take(struct tty *tty, bool steal); /* TIOCSCTTY */
long tty_give_up(struct tty *tty);          /* TIOCNOTTY */
