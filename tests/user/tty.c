/*
 * tests/user/tty.c - the terminal: modes, job control, errors.
 *
 * Runs in a session of its own whose terminal is the console, and types with
 * TIOCSTI, so that it needs nobody at the keyboard.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>

#include "tap.h"

static int tty;
static struct termios fresh;
static volatile sig_atomic_t last_signal;

static void on_signal(int sig)
{
    last_signal = sig;
}

static void type(const char *text)
{
    for (; *text; text++)
        ioctl(tty, TIOCSTI, text);
}

static void modes(tcflag_t clear, tcflag_t set, int min, int time)
{
    struct termios t = fresh;

    t.c_lflag = (t.c_lflag & ~clear) | set;
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = time;
    tcsetattr(tty, TCSAFLUSH, &t);
}

static void geometry(void)
{
    struct utsname kernel;
    struct winsize ws = {0}, other = {.ws_row = 50, .ws_col = 132};

    is(ioctl(tty, TIOCGWINSZ, &ws), 0, "TIOCGWINSZ");
    uname(&kernel);
    if (strstr(kernel.release, "pagewalk"))
        is(ws.ws_row * 1000 + ws.ws_col, 24080, "24 rows of 80");
    else
        skip("24 rows of 80", "a serial line has no size on Linux");
    signal(SIGWINCH, on_signal);
    is(ioctl(tty, TIOCSWINSZ, &other), 0, "TIOCSWINSZ");
    is(last_signal, SIGWINCH, "a new size sends SIGWINCH");
    ioctl(tty, TIOCSWINSZ, &ws);
}

static void lines(void)
{
    char buf[64];
    int n = -1;

    modes(ECHO, 0, 1, 0);
    type("ab\177c\n");
    is(ioctl(tty, FIONREAD, &n), 0, "FIONREAD");
    is(n, 3, "an edited line of three bytes");
    is(read(tty, buf, sizeof(buf)), 3, "read gives it");
    ok(!memcmp(buf, "ac\n", 3), "without what was erased");
    type("\004");
    is(read(tty, buf, sizeof(buf)), 0, "Ctrl-D is the end of file");
    fcntl(tty, F_SETFL, O_RDWR | O_NONBLOCK);
    type("no line yet");
    errno_is(read(tty, buf, sizeof(buf)), EAGAIN, "an open line is not input");
    fcntl(tty, F_SETFL, O_RDWR);
    is(tcflush(tty, TCIFLUSH), 0, "TCFLSH");
}

static void raw(void)
{
    struct pollfd pfd = {.fd = tty, .events = POLLIN};
    char buf[8];

    modes(ICANON | ECHO | ISIG, 0, 1, 0);
    is(poll(&pfd, 1, 0), 0, "nothing to read yet");
    type("\003x");
    is(poll(&pfd, 1, 0), 1, "poll sees bytes");
    is(read(tty, buf, sizeof(buf)), 2, "raw: bytes as they come");
    is(buf[0], 3, "Ctrl-C is a byte");
    modes(ICANON | ECHO, 0, 0, 1);
    is(read(tty, buf, sizeof(buf)), 0, "VMIN 0, VTIME 1: a tenth of a second");
    modes(ICANON | ECHO, 0, 0, 0);
    is(read(tty, buf, sizeof(buf)), 0, "VMIN 0, VTIME 0: at once");
    modes(ICANON | ECHO, 0, 3, 0);
    type("abc");
    is(read(tty, buf, sizeof(buf)), 3, "VMIN 3");
}

static void keys_send_signals(void)
{
    modes(ECHO, 0, 1, 0);
    signal(SIGINT, on_signal);
    type("gone\003");
    is(last_signal, SIGINT, "Ctrl-C is SIGINT");
    signal(SIGQUIT, on_signal);
    type("\034");
    is(last_signal, SIGQUIT, "Ctrl-\\ is SIGQUIT");
}

static void groups(void)
{
    pid_t pid, pgrp = 0;
    int status = 0;

    is(tcgetpgrp(tty), getpgrp(), "we are in the foreground");
    is(tcgetsid(tty), getsid(0), "and the terminal is our session's");
    errno_is(tcsetpgrp(tty, 99999), ESRCH, "no such group");
    pid = fork();
    if (pid == 0) {
        char byte;

        setpgid(0, 0);
        read(tty, &byte, 1); /* stops us */
        _exit(7);
    }
    is(waitpid(pid, &status, WUNTRACED), pid, "a background reader");
    ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN, "stops by SIGTTIN");
    is(tcsetpgrp(tty, pid), 0, "tcsetpgrp");
    is(ioctl(tty, TIOCGPGRP, &pgrp), 0, "TIOCGPGRP");
    is(pgrp, pid, "it is in the foreground now");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    signal(SIGTTOU, SIG_IGN);
    is(tcsetpgrp(tty, getpgrp()), 0, "take the foreground back");
}

static void errors(void)
{
    int null = open("/dev/null", O_RDWR);
    char buf;

    errno_is(ioctl(tty, 0x5499), ENOTTY, "an ioctl nobody knows");
    errno_is(ioctl(tty, TCGETS, 8), EFAULT, "a bad address");
    errno_is(ioctl(null, TCGETS, &buf), ENOTTY, "/dev/null is no terminal");
    errno_is(lseek(tty, 0, SEEK_SET), ESPIPE, "no position");
}

/* In a session of its own; the exit status is the test's. */
static int run(void)
{
    setsid();
    tty = open("/dev/console", O_RDWR);
    if (tty < 0 || ioctl(tty, TIOCSCTTY, 0)) {
        printf("1..0 # SKIP the console is nobody's or somebody else's\n");
        return 0;
    }
    close(tty);
    tty = open("/dev/tty", O_RDWR); /* /dev/console would not stop a reader */
    tcgetattr(tty, &fresh);
    ok(isatty(tty), "/dev/tty is the terminal that we took");
    geometry();
    lines();
    raw();
    keys_send_signals();
    groups();
    errors();
    tcsetattr(tty, TCSANOW, &fresh);
    return done();
}

int main(void)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        status = run();
        signal(SIGHUP, SIG_IGN);
        exit(status);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
