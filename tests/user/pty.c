/*
 * tests/user/pty.c - pseudo-terminals: both ends, modes, hangups.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

static int master, slave;

/* What the master reads now, as a string. */
static const char *from_master(void)
{
    static char text[256];
    struct pollfd p = {master, POLLIN, 0};
    ssize_t n =
        poll(&p, 1, 2000) == 1 ? read(master, text, sizeof(text) - 1) : -1;

    text[n > 0 ? n : 0] = 0;
    return text;
}

static void test_open(void)
{
    char name[32] = "?";
    struct stat st;

    master = posix_openpt(O_RDWR | O_NOCTTY);
    ok(master >= 0, "/dev/ptmx opens");
    is(ptsname_r(master, name, sizeof(name)), 0, "the slave has a name");
    errno_is(open(name, O_RDWR | O_NOCTTY), EIO, "it is locked at first");
    ok(grantpt(master) == 0 && unlockpt(master) == 0, "unlocked");
    slave = open(name, O_RDWR | O_NOCTTY);
    ok(slave >= 0 && isatty(slave), "and opens as a terminal");
    ok(!fstat(slave, &st) && S_ISCHR(st.st_mode) && st.st_rdev >> 8 == 136,
       "its device number is 136:n");
}

static void test_bytes(void)
{
    struct winsize ws = {.ws_row = 33, .ws_col = 77}, seen = {0};
    struct termios modes;
    char line[64];
    ssize_t n;

    ok(write(master, "hello\r", 6) == 6, "the master types a line");
    n = read(slave, line, sizeof(line));
    ok(n == 6 && !memcmp(line, "hello\n", 6), "the slave reads it");
    ok(!strcmp(from_master(), "hello\r\n"), "the master sees the echo");
    ok(write(slave, "a\nb", 3) == 3, "the slave writes");
    ok(!strcmp(from_master(), "a\r\nb"), "with output processing");
    ok(!ioctl(master, TIOCSWINSZ, &ws) && !ioctl(slave, TIOCGWINSZ, &seen) &&
           seen.ws_row == 33 && seen.ws_col == 77,
       "the window's size passes");
    ok(!tcgetattr(slave, &modes), "modes");
    cfmakeraw(&modes);
    ok(!tcsetattr(slave, TCSANOW, &modes), "raw");
    ok(write(master, "\3x", 2) == 2 && read(slave, line, 2) == 2 &&
           line[0] == 3 && line[1] == 'x',
       "raw bytes pass");
}

/* More than any buffer holds, from the slave to the master. */
static void test_much(void)
{
    size_t total = 100000, got = 0;
    char block[1000];
    pid_t pid = fork();
    int status;

    if (!pid) {
        memset(block, 'm', sizeof(block));
        for (size_t i = 0; i < total / sizeof(block); i++)
            if (write(slave, block, sizeof(block)) != sizeof(block))
                _exit(1);
        _exit(0);
    }
    while (got < total) {
        ssize_t n = read(master, block, sizeof(block));

        if (n <= 0)
            break;
        got += n;
    }
    is(got, total, "100000 bytes pass");
    waitpid(pid, &status, 0);
    is(status, 0, "and the writer ends");
}

static void test_slave_goes(void)
{
    struct pollfd p = {master, POLLIN, 0};
    char c;

    close(slave);
    ok(poll(&p, 1, 1000) == 1 && p.revents & POLLHUP, "no slave: POLLHUP");
    errno_is(read(master, &c, 1), EIO, "and reading");
    close(master);
}

static volatile sig_atomic_t hung_up;

static void on_hup(int sig)
{
    hung_up = sig;
}

static void test_master_goes(void)
{
    pid_t pid = forkpty(&master, NULL, NULL, NULL);
    int status;
    char c;

    if (!pid) {
        signal(SIGHUP, on_hup);
        if (tcgetpgrp(0) != getpid() || getsid(0) != getpid())
            _exit(1);
        if (write(1, "r", 1) != 1)
            _exit(2);
        while (!hung_up)
            if (read(0, &c, 1) == 0)
                break;
        _exit(read(0, &c, 1) == 0 && write(1, "x", 1) == -1 && errno == EIO &&
                      open("/dev/tty", O_RDWR) == -1
                  ? 7
                  : 3);
    }
    ok(pid > 0, "forkpty");
    ok(!strcmp(from_master(), "r"), "its child leads a session on the slave");
    close(master);
    waitpid(pid, &status, 0);
    is(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7,
       "the master goes: SIGHUP, end of file, EIO, no terminal");
}

static void test_interrupt(void)
{
    pid_t pid = forkpty(&master, NULL, NULL, NULL);
    int status;

    if (!pid) {
        if (write(1, "r", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    ok(!strcmp(from_master(), "r"), "another one");
    ok(write(master, "\3", 1) == 1, "Ctrl-C typed at the master");
    waitpid(pid, &status, 0);
    is(WIFSIGNALED(status) ? WTERMSIG(status) : -1, SIGINT, "interrupts");
    close(master);
}

/* TIOCGPTPEER: the slave by its master, whatever its name leads to. */
static void test_peer(void)
{
    char name[32], path[64], link[64] = "";
    struct stat by_name, by_master;
    int peer;

    master = posix_openpt(O_RDWR | O_NOCTTY);
    ptsname_r(master, name, sizeof(name));
    errno_is(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO,
             "the slave of a locked master");
    unlockpt(master);
    peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    ok(peer >= 0 && isatty(peer), "an unlocked master gives its slave");
    is(fcntl(peer, F_GETFD), FD_CLOEXEC, "closed on exec, as asked");
    ok(!stat(name, &by_name) && !fstat(peer, &by_master) &&
           by_name.st_rdev == by_master.st_rdev,
       "the one of that name");
    sprintf(path, "/proc/self/fd/%d", peer);
    ok(readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, name),
       "which its descriptor has");
    ok(write(peer, "p", 1) == 1 && !strcmp(from_master(), "p"), "it writes");
    errno_is(ioctl(peer, TIOCGPTPEER, O_RDWR), EIO, "only a master does");
    close(peer);
    peer = ioctl(master, TIOCGPTPEER, O_RDONLY | O_NOCTTY);
    errno_is(write(peer, "p", 1), EBADF, "opened for reading");
    close(peer);
    close(master);
}

/* A session leader without a terminal opens one. */
static int open_in_session(int flags)
{
    int mine = 0, status;
    pid_t pid = fork();

    if (!pid) {
        setsid();
        slave = open(ptsname(master), O_RDWR | flags);
        mine = open("/dev/tty", O_RDWR) >= 0;
        _exit(slave < 0 ? 9 : mine);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void test_controlling(void)
{
    struct termios modes;

    master = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(master);
    is(open_in_session(O_NOCTTY), 0, "O_NOCTTY: not the session's terminal");
    is(open_in_session(0), 1, "else it is");
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ok(!tcgetattr(slave, &modes) && cfgetospeed(&modes) == B38400,
       "its speed is 38400");
    close(slave);
    close(master);
}

/* The leader ends; in its session goes on who does not mind the SIGHUP. */
static void test_leader_goes(void)
{
    int status;
    pid_t pid = forkpty(&master, NULL, NULL, NULL);

    if (!pid) {
        signal(SIGHUP, on_hup);
        if (!fork()) {
            while (!hung_up)
                pause();
            _exit(write(1, "left", 4) != 4 || open("/dev/tty", O_RDWR) >= 0);
        }
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(!strcmp(from_master(), "left"),
       "a session's end leaves the pty to who has it open, after a SIGHUP");
    close(master);
}

static void test_reader_of_closed(void)
{
    int status;
    pid_t pid;

    master = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    pid = fork();
    if (!pid) {
        char c;

        close(master);
        if (read(slave, &c, 1) != -1 || errno != EIO)
            _exit(1);
        _exit(read(slave, &c, 1) == 0 ? 7 : 2);
    }
    usleep(100000);
    close(master);
    close(slave);
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 7,
       "who waits for input when the master goes gets EIO, later end of file");
}

static void test_foreground(void)
{
    int status;
    pid_t pid = forkpty(&master, NULL, NULL, NULL);

    if (!pid) {
        if (tcsetpgrp(0, 999999) != -1 || errno != ESRCH)
            _exit(1);
        _exit(tcsetpgrp(0, getppid()) == -1 && errno == EPERM ? 7 : 2);
    }
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 7, "no group of another session to the front");
    close(master);
}

int main(void)
{
    mkdir("/dev/pts", 0755);
    mount("devpts", "/dev/pts", "devpts", 0, "mode=0620,ptmxmode=0666");
    test_open();
    test_bytes();
    test_much();
    test_slave_goes();
    test_peer();
    test_master_goes();
    test_interrupt();
    test_controlling();
    test_leader_goes();
    test_reader_of_closed();
    test_foreground();
    return done();
}
