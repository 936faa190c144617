/*
 * drivers/char/ldisc.c - line editing, echo, signals and output processing.
 *
 * Behaves as Linux's n_tty does with the same modes, visible effects and
 * corner cases included.  Not there: ECHOPRT, EXTPROC, parity marks.
 *
 * Structure  a ring of input with a bit per byte that says "a line ends
 *            here"; see ldisc.h.  Ctrl-D puts an END_OF_FILE byte with such a
 *            mark, which read() consumes and does not give.
 * Cost       a byte in or out is O(1), except that erasing a tab recounts the
 *            line's columns.
 * Locking    the owner's (tty->lock); nothing here sleeps or locks.
 */
#include <drivers/char/ldisc.h>

#include <kernel/lib/string.h>

#define LDISC_SPARE 128 /* bytes that may still come from a full device */
#define END_OF_FILE 0   /* never equal to a control character that is on */
#define CTRL(letter) ((letter)-0x40)
#define DELETE 0x7f
#define BELL 7
#define TAB_WIDTH 8

#define MODE_I(ld, flag) ((ld)->termios.c_iflag & (flag))
#define MODE_O(ld, flag) ((ld)->termios.c_oflag & (flag))
#define MODE_L(ld, flag) ((ld)->termios.c_lflag & (flag))

static bool is_control(u8 c)
{
    return c < 0x20 || c == DELETE;
}

static bool is_continuation(const struct ldisc *ld, u8 c)
{
    return MODE_I(ld, IUTF8) && (c & 0xc0) == 0x80;
}

static bool is_word(u8 c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_';
}

/* A control character that is 0 is off. */
static bool is_key(const struct ldisc *ld, u8 c, unsigned int key)
{
    return c && c == ld->termios.c_cc[key];
}

static u8 *at(const struct ldisc *ld, u32 pos)
{
    return &ld->buf[pos % LDISC_SIZE];
}

static bool marked(const struct ldisc *ld, u32 pos)
{
    pos %= LDISC_SIZE;
    return ld->marks[pos / 64] >> (pos % 64) & 1;
}

static void mark(struct ldisc *ld, u32 pos, bool on)
{
    u64 bit;

    pos %= LDISC_SIZE;
    bit = BIT(pos % 64);
    if (on)
        ld->marks[pos / 64] |= bit;
    else
        ld->marks[pos / 64] &= ~bit;
}

void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops)
{
    static const struct ktermios fresh = {
        .c_iflag = ICRNL | IXON,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = B9600 | CS8 | CREAD | HUPCL | CLOCAL,
        .c_lflag =
            ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_cc = {[VINTR] = CTRL('C'),
                 [VQUIT] = CTRL('\\'),
                 [VERASE] = DELETE,
                 [VKILL] = CTRL('U'),
                 [VEOF] = CTRL('D'),
                 [VMIN] = 1,
                 [VSTART] = CTRL('Q'),
                 [VSTOP] = CTRL('S'),
                 [VSUSP] = CTRL('Z'),
                 [VREPRINT] = CTRL('R'),
                 [VDISCARD] = CTRL('O'),
                 [VWERASE] = CTRL('W'),
                 [VLNEXT] = CTRL('V')},
        .c_ispeed = 9600,
        .c_ospeed = 9600,
    };

    ld->ops = ops;
    ld->termios = fresh;
    ld->tail = ld->line = ld->head = 0;
    ld->column = ld->edit_column = 0;
    ld->literal_next = ld->stopped = false;
}

/* --- output -----------------------------------------------------------------
 */

static size_t output_tab(struct ldisc *ld, u8 *to)
{
    size_t width = TAB_WIDTH - ld->column % TAB_WIDTH;

    ld->column += width;
    if (MODE_O(ld, TABDLY) != XTABS) {
        to[0] = '\t';
        return 1;
    }
    memset(to, ' ', width);
    return width;
}

static size_t output_newline(struct ldisc *ld, u8 *to)
{
    if (MODE_O(ld, ONLRET))
        ld->column = 0;
    if (!MODE_O(ld, ONLCR)) {
        to[0] = '\n';
        return 1;
    }
    ld->column = 0;
    to[0] = '\r';
    to[1] = '\n';
    return 2;
}

size_t ldisc_output(struct ldisc *ld, u8 c, u8 to[LDISC_OUT_MAX])
{
    to[0] = c;
    if (!MODE_O(ld, OPOST))
        return 1;
    switch (c) {
    case '\n':
        return output_newline(ld, to);
    case '\t':
        return output_tab(ld, to);
    case '\r':
        if (MODE_O(ld, ONOCR) && !ld->column)
            return 0;
        if (MODE_O(ld, OCRNL)) {
            to[0] = '\n';
            if (!MODE_O(ld, ONLRET))
                return 1;
        }
        ld->column = 0;
        return 1;
    case '\b':
        if (ld->column)
            ld->column--;
        return 1;
    }
    if (is_control(c))
        return 1;
    if (MODE_O(ld, OLCUC) && c >= 'a' && c <= 'z')
        to[0] = c - 'a' + 'A';
    if (!is_continuation(ld, c))
        ld->column++;
    return 1;
}

/* --- echo
 * --------------------------------------------------------------------- */

/* As it is, through output processing. */
static void echo_byte(struct ldisc *ld, u8 c)
{
    u8 out[LDISC_OUT_MAX];

    ld->ops->echo(ld, out, ldisc_output(ld, c, out));
}

/* A control character as ^X where ECHOCTL says so. */
static void echo_char(struct ldisc *ld, u8 c)
{
    if (MODE_L(ld, ECHOCTL) && is_control(c) && c != '\t') {
        u8 caret[2] = {'^', c ^ 0x40};

        ld->ops->echo(ld, caret, 2);
        ld->column += 2;
        return;
    }
    echo_byte(ld, c);
}

/* Columns that a typed character takes when it starts at `column`. */
static u32 echo_width(const struct ldisc *ld, u8 c, u32 column)
{
    if (c == '\t')
        return TAB_WIDTH - column % TAB_WIDTH;
    if (is_control(c))
        return MODE_L(ld, ECHOCTL) ? 2 : 0;
    return is_continuation(ld, c) ? 0 : 1;
}

/* Where the cursor stands after the line being edited. */
static u32 edit_end_column(const struct ldisc *ld)
{
    u32 column = ld->edit_column, pos;

    for (pos = ld->line; pos != ld->head; pos++)
        column += echo_width(ld, *at(ld, pos), column);
    return column;
}

/* Takes the character `c`, already removed from the ring, off the screen. */
static void echo_rubout(struct ldisc *ld, u8 c)
{
    u32 width, i;

    if (c == '\t') {
        u32 target = edit_end_column(ld);

        while (ld->column > target)
            echo_byte(ld, '\b');
        return;
    }
    width = is_control(c) ? echo_width(ld, c, 0) : 1;
    for (i = 0; i < width; i++) {
        ld->ops->echo(ld, (const u8 *)"\b \b", 3);
        if (ld->column)
            ld->column--;
    }
}

/* --- editing
 * ------------------------------------------------------------------- */

/* The last character of the edited line: its first byte's position. */
static u32 last_char(const struct ldisc *ld)
{
    u32 pos = ld->head - 1;

    while (pos != ld->line && is_continuation(ld, *at(ld, pos)))
        pos--;
    return pos;
}

static void edit_erase_one(struct ldisc *ld)
{
    u8 c;

    ld->head = last_char(ld);
    c = *at(ld, ld->head);
    if (!MODE_L(ld, ECHO))
        return;
    if (MODE_L(ld, ECHOE))
        echo_rubout(ld, c);
    else
        echo_char(ld, ld->termios.c_cc[VERASE]);
}

static void edit_erase(struct ldisc *ld)
{
    if (ld->head != ld->line)
        edit_erase_one(ld);
}

/* What is not a word, then a word. */
static void edit_erase_word(struct ldisc *ld)
{
    bool seen = false;

    while (ld->head != ld->line) {
        bool word = is_word(*at(ld, last_char(ld)));

        if (seen && !word)
            return;
        seen |= word;
        ld->head = last_char(ld);
        if (MODE_L(ld, ECHO))
            echo_rubout(ld, *at(ld, ld->head));
    }
}

static void edit_kill(struct ldisc *ld)
{
    const u32 visually = ECHOK | ECHOKE | ECHOE;

    if (ld->head == ld->line)
        return;
    if (MODE_L(ld, ECHO) && MODE_L(ld, visually) == visually) {
        while (ld->head != ld->line)
            edit_erase_one(ld);
        return;
    }
    ld->head = ld->line;
    if (!MODE_L(ld, ECHO))
        return;
    echo_char(ld, ld->termios.c_cc[VKILL]);
    if (MODE_L(ld, ECHOK))
        echo_byte(ld, '\n');
}

static void edit_reprint(struct ldisc *ld)
{
    u32 pos;

    echo_char(ld, ld->termios.c_cc[VREPRINT]);
    echo_byte(ld, '\n');
    ld->edit_column = ld->column;
    for (pos = ld->line; pos != ld->head; pos++)
        echo_char(ld, *at(ld, pos));
}

/* --- input
 * ---------------------------------------------------------------------- */

static bool has_room(const struct ldisc *ld, u32 spare)
{
    return ld->head - ld->tail + spare < LDISC_SIZE;
}

bool ldisc_is_full(const struct ldisc *ld)
{
    return !has_room(ld, LDISC_SPARE) && ldisc_readable(ld);
}

/* An ordinary byte: echoed and kept, or dropped with a bell when full.  The
 * last place is for what ends a line. */
static void put_char(struct ldisc *ld, u8 c)
{
    if (!has_room(ld, 1)) {
        if (MODE_I(ld, IMAXBEL))
            echo_byte(ld, BELL);
        return;
    }
    if (MODE_L(ld, ECHO)) {
        if (ld->head == ld->line)
            ld->edit_column = ld->column;
        if (c == '\n')
            echo_byte(ld, c);
        else
            echo_char(ld, c);
    }
    *at(ld, ld->head++) = c;
}

/* Makes [line, head) and this byte a complete line. */
static void end_line(struct ldisc *ld, u8 c)
{
    if (!has_room(ld, 0))
        return;
    *at(ld, ld->head) = c;
    mark(ld, ld->head, true);
    ld->head++;
    ld->line = ld->head;
}

/* Whether c was one of the keys that edit or end a line. */
static bool receive_canonical(struct ldisc *ld, u8 c)
{
    bool extended = MODE_L(ld, IEXTEN);

    if (is_key(ld, c, VERASE)) {
        edit_erase(ld);
    } else if (is_key(ld, c, VKILL)) {
        edit_kill(ld);
    } else if (extended && is_key(ld, c, VWERASE)) {
        edit_erase_word(ld);
    } else if (extended && is_key(ld, c, VREPRINT) && MODE_L(ld, ECHO)) {
        edit_reprint(ld);
    } else if (c == '\n') {
        if (MODE_L(ld, ECHO | ECHONL))
            echo_byte(ld, '\n');
        end_line(ld, c);
    } else if (is_key(ld, c, VEOF)) {
        end_line(ld, END_OF_FILE);
    } else if (is_key(ld, c, VEOL) || (extended && is_key(ld, c, VEOL2))) {
        if (MODE_L(ld, ECHO))
            echo_char(ld, c);
        end_line(ld, c);
    } else {
        return false;
    }
    return true;
}

static void set_stopped(struct ldisc *ld, bool stop)
{
    if (ld->stopped == stop)
        return;
    ld->stopped = stop;
    ld->ops->flow(ld, stop);
}

/* Whether c was a key that sends a signal. */
static bool receive_signal(struct ldisc *ld, u8 c)
{
    enum ldisc_signal sig;

    if (is_key(ld, c, VINTR))
        sig = LDISC_SIGINT;
    else if (is_key(ld, c, VQUIT))
        sig = LDISC_SIGQUIT;
    else if (is_key(ld, c, VSUSP))
        sig = LDISC_SIGTSTP;
    else
        return false;
    if (!MODE_L(ld, NOFLSH)) {
        ldisc_flush_input(ld);
        ld->ops->discard_output(ld);
    }
    if (MODE_I(ld, IXON))
        set_stopped(ld, false);
    if (MODE_L(ld, ECHO))
        echo_char(ld, c);
    ld->ops->signal(ld, sig);
    return true;
}

/* Whether c was Ctrl-S or Ctrl-Q. */
static bool receive_flow(struct ldisc *ld, u8 c)
{
    if (!MODE_I(ld, IXON))
        return false;
    if (is_key(ld, c, VSTART)) {
        set_stopped(ld, false);
        return true;
    }
    if (is_key(ld, c, VSTOP)) {
        set_stopped(ld, true);
        return true;
    }
    return false;
}

/* IGNCR, ICRNL, INLCR; false: the byte is dropped. */
static bool map_newline(const struct ldisc *ld, u8 *c)
{
    if (*c == '\r') {
        if (MODE_I(ld, IGNCR))
            return false;
        if (MODE_I(ld, ICRNL))
            *c = '\n';
    } else if (*c == '\n' && MODE_I(ld, INLCR)) {
        *c = '\r';
    }
    return true;
}

static void receive_literal_next(struct ldisc *ld)
{
    ld->literal_next = true;
    if (MODE_L(ld, ECHO) && MODE_L(ld, ECHOCTL)) {
        echo_byte(ld, '^');
        echo_byte(ld, '\b');
    }
}

void ldisc_receive(struct ldisc *ld, u8 c)
{
    bool canonical = MODE_L(ld, ICANON);

    if (!(ld->termios.c_cflag & CREAD))
        return;
    if (MODE_I(ld, ISTRIP))
        c &= 0x7f;
    if (MODE_I(ld, IUCLC) && MODE_L(ld, IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (ld->literal_next) {
        ld->literal_next = false;
        put_char(ld, c);
        return;
    }
    if (receive_flow(ld, c))
        return;
    if (MODE_L(ld, ISIG) && receive_signal(ld, c))
        return;
    if (ld->stopped && MODE_I(ld, IXON) && MODE_I(ld, IXANY))
        set_stopped(ld, false);
    if (!map_newline(ld, &c))
        return;
    if (canonical && MODE_L(ld, IEXTEN) && is_key(ld, c, VLNEXT))
        receive_literal_next(ld);
    else if (!canonical || !receive_canonical(ld, c))
        put_char(ld, c);
}

/* --- reading
 * ---------------------------------------------------------------------- */

size_t ldisc_readable(const struct ldisc *ld)
{
    return (MODE_L(ld, ICANON) ? ld->line : ld->head) - ld->tail;
}

static bool is_end_of_file(const struct ldisc *ld, u32 pos)
{
    return marked(ld, pos) && *at(ld, pos) == END_OF_FILE;
}

size_t ldisc_readable_data(const struct ldisc *ld)
{
    size_t n = ldisc_readable(ld);
    u32 pos;

    if (MODE_L(ld, ICANON))
        for (pos = ld->tail; pos != ld->line; pos++)
            n -= is_end_of_file(ld, pos);
    return n;
}

static size_t read_line(struct ldisc *ld, u8 *to, size_t n, bool *more)
{
    size_t got = 0;
    bool ended = false;

    while (ld->tail != ld->line && !ended) {
        bool silent = is_end_of_file(ld, ld->tail);

        if (got == n && !silent)
            break;
        ended = marked(ld, ld->tail);
        if (!silent)
            to[got++] = *at(ld, ld->tail);
        mark(ld, ld->tail++, false);
    }
    *more = !ended && ld->tail != ld->line;
    return got;
}

size_t ldisc_read(struct ldisc *ld, u8 *to, size_t n, bool *more)
{
    size_t got;

    if (MODE_L(ld, ICANON))
        return read_line(ld, to, n, more);
    for (got = 0; got < n && ld->tail != ld->head; got++)
        to[got] = *at(ld, ld->tail++);
    if ((s32)(ld->line - ld->tail) < 0)
        ld->line = ld->tail;
    *more = ld->tail != ld->head;
    return got;
}

void ldisc_flush_input(struct ldisc *ld)
{
    ld->tail = ld->line = ld->head;
    ld->literal_next = false;
    memset(ld->marks, 0, LDISC_MARKS * sizeof(*ld->marks));
}

void ldisc_set_termios(struct ldisc *ld, const struct ktermios *termios)
{
    bool was_canonical = MODE_L(ld, ICANON);

    ld->termios = *termios;
    if (!MODE_I(ld, IXON))
        set_stopped(ld, false);
    if (!!MODE_L(ld, ICANON) == was_canonical)
        return;
    /* What is there was typed under the other rules: to canonical mode it is
     * a line of its own, to raw mode just bytes. */
    memset(ld->marks, 0, LDISC_MARKS * sizeof(*ld->marks));
    ld->literal_next = false;
    ld->line = MODE_L(ld, ICANON) ? ld->head : ld->tail;
    if (MODE_L(ld, ICANON) && ld->head != ld->tail)
        mark(ld, ld->head - 1, true);
}
