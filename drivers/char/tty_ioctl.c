/*
 * drivers/char/tty_ioctl.c - the terminal's ioctls, with Linux's numbers.
 *
 * Three structures describe the modes in ring 3: termio (System V), termios,
 * termios2 (with speeds as numbers); inside there is only ktermios, whose
 * beginning is laid out as termios and all of it as termios2.
 *
 * Context    may sleep; modes change under tty->lock.
 */
#include <drivers/char/tty.h>

#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <mm/uaccess.h>

_Static_assert(sizeof(struct termios2) == sizeof(struct ktermios) &&
                   offsetof(struct ktermios, c_ispeed) ==
                       offsetof(struct termios2, c_ispeed),
               "ktermios is termios2");
#define TERMIOS_SIZE sizeof(struct termios)
#define TERMIOS2_SIZE sizeof(struct termios2)

/* When new modes take effect: TCSANOW, TCSADRAIN, TCSAFLUSH. */
enum set_when { SET_NOW, SET_DRAIN, SET_FLUSH };

/* Bits per second of B0 ... B4000000. */
static const u32 speeds[] = {0,   50,   75,   110,  134,  150,  200,   300,
                             600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const u32 high_speeds[] = {57600,   115200,  230400,  460800,  500000,
                                  576000,  921600,  1000000, 1152000, 1500000,
                                  2000000, 2500000, 3000000, 3500000, 4000000};

static u32 speed_of(const struct ktermios *termios)
{
    u32 code = termios->c_cflag & CBAUD;

    if (code == BOTHER)
        return termios->c_ospeed;
    if (code & CBAUDEX) {
        code = (code & ~CBAUDEX) - 1;
        return code < ARRAY_SIZE(high_speeds) ? high_speeds[code] : 38400;
    }
    return speeds[code];
}

static void get_modes(struct tty *tty, struct ktermios *termios)
{
    u64 flags = spin_lock_irqsave(&tty->lock);

    *termios = tty->ld.termios;
    spin_unlock_irqrestore(&tty->lock, flags);
}

static int set_modes(struct tty *tty, struct ktermios *termios,
                     enum set_when when)
{
    u64 flags;
    int err;

    if (when != SET_NOW) {
        err = tty_drain(tty);
        if (err)
            return err;
    }
    termios->c_ispeed = termios->c_ospeed = speed_of(termios);
    flags = spin_lock_irqsave(&tty->lock);
    if (when == SET_FLUSH)
        ldisc_flush_input(&tty->ld);
    ldisc_set_termios(&tty->ld, termios);
    tty_update_throttle(tty);
    spin_unlock_irqrestore(&tty->lock, flags);
    wake_up_all(&tty->read_wait); /* VMIN, ICANON may have changed, */
    tty_wake_writers(tty);        /* and IXON */
    return 0;
}

/* `size` bytes of ktermios to or from ring 3. */
static long ioctl_get(struct tty *tty, void __user *arg, size_t size)
{
    struct ktermios termios;

    get_modes(tty, &termios);
    return copy_to_user(arg, &termios, size) ? -EFAULT : 0;
}

static long ioctl_set(struct tty *tty, const void __user *arg, size_t size,
                      enum set_when when)
{
    struct ktermios termios;
    int err = tty_check_foreground(tty, SIGTTOU);

    if (err)
        return err;
    get_modes(tty, &termios);
    if (copy_from_user(&termios, arg, size))
        return -EFAULT;
    return set_modes(tty, &termios, when);
}

/* System V's: the low halves, and 8 control characters. */
static long ioctl_get_termio(struct tty *tty, void __user *arg)
{
    struct ktermios k;
    struct termio io = {0};

    get_modes(tty, &k);
    io.c_iflag = k.c_iflag;
    io.c_oflag = k.c_oflag;
    io.c_cflag = k.c_cflag;
    io.c_lflag = k.c_lflag;
    io.c_line = k.c_line;
    memcpy(io.c_cc, k.c_cc, sizeof(io.c_cc));
    return copy_to_user(arg, &io, sizeof(io)) ? -EFAULT : 0;
}

static long ioctl_set_termio(struct tty *tty, const void __user *arg,
                             enum set_when when)
{
    const u32 high = 0xffff0000;
    struct ktermios k;
    struct termio io;
    int err = tty_check_foreground(tty, SIGTTOU);

    if (err)
        return err;
    if (copy_from_user(&io, arg, sizeof(io)))
        return -EFAULT;
    get_modes(tty, &k);
    k.c_iflag = (k.c_iflag & high) | io.c_iflag;
    k.c_oflag = (k.c_oflag & high) | io.c_oflag;
    k.c_cflag = (k.c_cflag & high) | io.c_cflag;
    k.c_lflag = (k.c_lflag & high) | io.c_lflag;
    k.c_line = io.c_line;
    memcpy(k.c_cc, io.c_cc, sizeof(io.c_cc));
    return set_modes(tty, &k, when);
}

static long ioctl_get_winsize(struct tty *tty, void __user *arg)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    struct winsize ws = tty->winsize;

    spin_unlock_irqrestore(&tty->lock, flags);
    return copy_to_user(arg, &ws, sizeof(ws)) ? -EFAULT : 0;
}

static long ioctl_set_winsize(struct tty *tty, const void __user *arg)
{
    struct winsize ws;
    pid_t pgrp = READ_ONCE(tty->pgrp);
    bool changed;
    u64 flags;

    if (copy_from_user(&ws, arg, sizeof(ws)))
        return -EFAULT;
    flags = spin_lock_irqsave(&tty->lock);
    changed = memcmp(&ws, &tty->winsize, sizeof(ws));
    tty->winsize = ws;
    spin_unlock_irqrestore(&tty->lock, flags);
    if (changed && pgrp)
        send_signal_pgrp(SIGWINCH, pgrp);
    return 0;
}

static long ioctl_flush(struct tty *tty, unsigned long what)
{
    int err = tty_check_foreground(tty, SIGTTOU);
    u64 flags;

    if (err)
        return err;
    if (what > TCIOFLUSH)
        return -EINVAL;
    flags = spin_lock_irqsave(&tty->lock);
    if (what != TCOFLUSH)
        ldisc_flush_input(&tty->ld);
    tty_update_throttle(tty);
    if (what != TCIFLUSH)
        tty->ops->discard(tty);
    spin_unlock_irqrestore(&tty->lock, flags);
    if (what != TCIFLUSH)
        tty_wake_writers(tty);
    return 0;
}

/* tcflow(3).  Our devices are never overrun, so the far end is not told to
 * stop by TCIOFF. */
static long ioctl_flow(struct tty *tty, unsigned long what)
{
    int err = tty_check_foreground(tty, SIGTTOU);
    u64 flags;

    if (err)
        return err;
    if (what > TCION)
        return -EINVAL;
    if (what == TCIOFF || what == TCION)
        return 0;
    flags = spin_lock_irqsave(&tty->lock);
    tty->ld.stopped = what == TCOOFF;
    tty->ld.ops->flow(&tty->ld, tty->ld.stopped);
    spin_unlock_irqrestore(&tty->lock, flags);
    tty_wake_writers(tty);
    return 0;
}

static long ioctl_put_int(void __user *arg, long val)
{
    int answer = val;

    if (val < 0)
        return val;
    return copy_to_user(arg, &answer, sizeof(answer)) ? -EFAULT : 0;
}

static long ioctl_readable(struct tty *tty, void __user *arg)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    size_t n = ldisc_readable_data(&tty->ld);

    spin_unlock_irqrestore(&tty->lock, flags);
    return ioctl_put_int(arg, n);
}

static long ioctl_queued(struct tty *tty, void __user *arg)
{
    u64 flags = spin_lock_irqsave(&tty->lock);
    size_t n = tty->ops->queued(tty);

    spin_unlock_irqrestore(&tty->lock, flags);
    return ioctl_put_int(arg, n);
}

static long ioctl_set_pgrp(struct tty *tty, const void __user *arg)
{
    pid_t pgrp;

    if (copy_from_user(&pgrp, arg, sizeof(pgrp)))
        return -EFAULT;
    return tty_set_pgrp(tty, pgrp);
}

/* TIOCSTI: as if typed. */
static long ioctl_type(struct tty *tty, const void __user *arg)
{
    u8 byte;

    if (tty_of_current() != tty && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (copy_from_user(&byte, arg, 1))
        return -EFAULT;
    tty_receive(tty, &byte, 1);
    return 0;
}

static long ioctl_get_dev(struct tty *tty, void __user *arg)
{
    u32 dev = tty->dev;

    return copy_to_user(arg, &dev, sizeof(dev)) ? -EFAULT : 0;
}

static long ioctl_set_ldisc(const void __user *arg)
{
    int ldisc;

    if (copy_from_user(&ldisc, arg, sizeof(ldisc)))
        return -EFAULT;
    return ldisc == 0 ? 0 : -EINVAL; /* N_TTY is all there is */
}

static long ioctl_drain(struct tty *tty)
{
    int err = tty_check_foreground(tty, SIGTTOU);

    return err ? err : tty_drain(tty);
}

/* Modes of the line discipline; -ENOIOCTLCMD: not one of these. */
static long ioctl_modes(struct tty *tty, unsigned int cmd, void __user *arg)
{
    switch (cmd) {
    case TCGETS:
        return ioctl_get(tty, arg, TERMIOS_SIZE);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return ioctl_set(tty, arg, TERMIOS_SIZE, cmd - TCSETS);
    case TCGETS2:
        return ioctl_get(tty, arg, TERMIOS2_SIZE);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return ioctl_set(tty, arg, TERMIOS2_SIZE, cmd - TCSETS2);
    case TCGETA:
        return ioctl_get_termio(tty, arg);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return ioctl_set_termio(tty, arg, cmd - TCSETA);
    case TIOCGETD:
        return ioctl_put_int(arg, 0);
    case TIOCSETD:
        return ioctl_set_ldisc(arg);
    case TIOCGWINSZ:
        return ioctl_get_winsize(tty, arg);
    case TIOCSWINSZ:
        return ioctl_set_winsize(tty, arg);
    }
    return -ENOIOCTLCMD;
}

/* Sessions and groups; -ENOIOCTLCMD: not one of these. */
static long ioctl_job(struct tty *tty, unsigned int cmd, void __user *arg)
{
    switch (cmd) {
    case TIOCGPGRP:
        return ioctl_put_int(arg, tty_get_pgrp(tty));
    case TIOCSPGRP:
        return ioctl_set_pgrp(tty, arg);
    case TIOCGSID:
        return ioctl_put_int(arg, tty_get_session(tty));
    case TIOCSCTTY:
        return tty_take(tty, (unsigned long)arg == 1);
    case TIOCNOTTY:
        return tty_give_up(tty);
    case TIOCVHANGUP:
        if (!capable(CAP_SYS_ADMIN))
            return -EPERM;
        tty_hangup(tty);
        return 0;
    case TIOCGPTPEER: /* of masters only */
        return MAJOR(tty->dev) == PTS_MAJOR ? -EIO : -ENOTTY;
    }
    return -ENOIOCTLCMD;
}

static long ioctl_queues(struct tty *tty, unsigned int cmd, void __user *arg)
{
    switch (cmd) {
    case TIOCINQ: /* FIONREAD */
        return ioctl_readable(tty, arg);
    case TIOCOUTQ:
        return ioctl_queued(tty, arg);
    case TCFLSH:
        return ioctl_flush(tty, (unsigned long)arg);
    case TCXONC:
        return ioctl_flow(tty, (unsigned long)arg);
    case TCSBRK:
    case TCSBRKP: /* a break would tell a QEMU socket nothing */
        return ioctl_drain(tty);
    case TIOCSTI:
        return ioctl_type(tty, arg);
    case TIOCGDEV:
        return ioctl_get_dev(tty, arg);
    case TIOCEXCL:
    case TIOCNXCL:
    case TIOCSBRK:
    case TIOCCBRK:
        return 0;
    case TIOCMGET:
        return ioctl_put_int(arg, TIOCM_DTR | TIOCM_RTS | TIOCM_CTS |
                                      TIOCM_CAR | TIOCM_DSR);
    }
    return -ENOTTY;
}

long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct tty_file *tf = file->private_data;
    void __user *user = (void __user *)arg;
    long answer;

    if (tty_file_is_dead(tf))
        return -EIO;
    answer = ioctl_modes(tf->tty, cmd, user);
    if (answer == -ENOIOCTLCMD)
        answer = ioctl_job(tf->tty, cmd, user);
    if (answer == -ENOIOCTLCMD)
        answer = ioctl_queues(tf->tty, cmd, user);
    return answer;
}
