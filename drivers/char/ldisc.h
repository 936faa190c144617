/*
 * drivers/char/ldisc.h - the line discipline: what a terminal does to the
 * bytes that go in and out (Linux's N_TTY).
 *
 * Pure: it knows neither device nor process.  Both are reached through
 * ldisc_ops, so that the host's tests drive it with strings.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/uapi/termios.h>

#define LDISC_SIZE 4096 /* bytes of input that may wait, as on Linux */
#define LDISC_MARKS (LDISC_SIZE / 64)
#define LDISC_OUT_MAX 8 /* what one byte of output can become: a tab */

/* Linux's signal numbers; <asm/signal.h> and a host's libc do not mix. */
enum ldisc_signal { LDISC_SIGINT = 2, LDISC_SIGQUIT = 3, LDISC_SIGTSTP = 20 };

struct ldisc;

struct ldisc_ops {
    /* Echo, ready to be sent.  May drop what does not fit. */
    void (*echo)(struct ldisc *ld, const u8 *bytes, size_t n);
    void (*signal)(struct ldisc *ld, enum ldisc_signal sig);
    void (*flow)(struct ldisc *ld, bool stop); /* Ctrl-S, Ctrl-Q */
    void (*discard_output)(struct ldisc *ld);  /* not sent yet */
};

/*
 * buf is a ring; tail, line and head count bytes since the beginning, so
 * tail <= line <= head <= tail + LDISC_SIZE.  In canonical mode [tail, line)
 * are complete lines and [line, head) is the one being edited; in raw mode
 * all of [tail, head) can be read.
 */
struct ldisc {
    const struct ldisc_ops *ops;
    struct ktermios termios;
    u8 *buf;    /* LDISC_SIZE bytes */
    u64 *marks; /* LDISC_MARKS words: bit set: a line ends here */
    u32 tail, line, head;
    u32 column;        /* of the cursor, as far as our output tells */
    u32 edit_column;   /* where the edited line began */
    bool literal_next; /* after Ctrl-V */
    bool stopped;      /* after Ctrl-S */
};

/* Modes of a fresh terminal.  buf and marks are set by the caller. */
void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops);

/* A byte from the device. */
void ldisc_receive(struct ldisc *ld, u8 byte);

/* Bytes that wait for read() (canonical: of complete lines, Ctrl-D is one). */
size_t ldisc_readable(const struct ldisc *ld);
size_t
ldisc_readable_data(const struct ldisc *ld); /* without Ctrl-D: FIONREAD */

/*
 * Takes up to n bytes, in canonical mode of one line at most.  To be called
 * when something is readable; then 0 means end of file (Ctrl-D on an empty
 * line).  *more: the same read() may go on, its line is not at its end.
 */
size_t ldisc_read(struct ldisc *ld, u8 *to, size_t n, bool *more);

/* Whether the device should keep what comes until read() has made room.
 * Never while that would keep back the end of the only line. */
bool ldisc_is_full(const struct ldisc *ld);

/* What one byte of program output becomes: bytes put into to. */
size_t ldisc_output(struct ldisc *ld, u8 byte, u8 to[LDISC_OUT_MAX]);

/* New modes; what was typed so far stays readable. */
void ldisc_set_termios(struct ldisc *ld, const struct ktermios *termios);
void ldisc_flush_input(struct ldisc *ld);
