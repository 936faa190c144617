/*
 * tests/user/badtask.c - clone with flags that do not go together, ioctls of
 * what has none and of terminals, signal frames spoiled in every field.
 * Lines and their comparison with Linux's: bad.h.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <ucontext.h>

#include "bad_world.h"

/* ---- clone ---------------------------------------------------------------*/

static const struct {
    const char *name;
    u64 flags;
} wanted[] = {
    {"none", 0},
    {"sighand", CLONE_SIGHAND},
    {"thread", CLONE_THREAD},
    {"thread+sighand", CLONE_THREAD | CLONE_SIGHAND},
    {"thread+vm", CLONE_THREAD | CLONE_VM},
    {"fs+newns", CLONE_FS | CLONE_NEWNS},
    {"detached", CLONE_DETACHED},
    {"ptrace", CLONE_PTRACE},
    {"untraced", CLONE_UNTRACED},
    {"files", CLONE_FILES},
    {"fs", CLONE_FS},
    {"sysvsem", CLONE_SYSVSEM},
    {"parent", CLONE_PARENT},
    {"io", CLONE_IO},
    {"settls0", CLONE_SETTLS},
    {"settid", CLONE_PARENT_SETTID},
    {"cleartid", CLONE_CHILD_CLEARTID},
    {"childtid", CLONE_CHILD_SETTID},
    {"sig65", 65},
    {"sig255", 255},
    {"b32", 1ul << 32},
};

static long do_clone(int i, void *arg)
{
    u64 tid = *(u64 *)arg;
    u64 flags = wanted[i].flags | (wanted[i].flags & 0xff ? 0 : SIGCHLD);
    long ret = CALL(SYS_clone, flags, 0, tid, tid, 0);

    if (ret == 0)
        syscall(SYS_exit_group, 0);
    return ret > 0 ? ANSWER_VARIES : ret;
}

static void test_clone(void)
{
    static u64 tids[] = {0, AREA(0) + GOOD, KERNEL, AREA(0) + GONE};
    static const char *const names[] = {"null", "good", "kernel", "gone"};

    for (size_t t = 0; t < COUNT(tids); t++) {
        series_begin();
        for (size_t i = 0; i < COUNT(wanted); i++)
            trial("%s", wanted[i].name);
        series_run(do_clone, &tids[t], true, NULL);
        series_print("clone, tid %s", names[t]);
    }
}

/* clone3's structure, a word at a time. */
static long do_clone3(int i, void *arg)
{
    static const u64 values[] = {1,         0xff,      65,     1ul << 32,
                                 1ul << 33, 1ul << 40, KERNEL, -1ul};
    u64 args[11] = {0};
    long ret;

    (void)arg;
    args[4] = SIGCHLD; /* exit_signal */
    args[i / 8] = values[i % 8];
    if (i / 8 == 0)
        args[0] &= ~(u64)CLONE_VM;
    ret = CALL(SYS_clone3, (u64)args, 88);
    if (ret == 0)
        syscall(SYS_exit_group, 0);
    return ret > 0 ? ANSWER_VARIES : ret;
}

static void test_clone3(void)
{
    static const char *const words[] = {
        "flags", "pidfd",     "childtid", "parenttid", "signal",
        "stack", "stacksize", "tls",      "settid",    "settidsize"};

    series_begin();
    for (size_t i = 0; i < 8 * COUNT(words); i++)
        trial("%s/%ld", words[i / 8], (long)(i % 8));
    series_run(do_clone3, NULL, true, NULL);
    series_print("clone3");
}

/* ---- ioctl ---------------------------------------------------------------*/

enum { FD_PTY = 60, FD_PTS };

static const struct {
    const char *name;
    u64 cmd;
} commands[] = {
    {"0", 0},
    {"-1", 0xffffffff},
    {"fionbio", FIONBIO},
    {"fioasync", FIOASYNC},
    {"fioclex", FIOCLEX},
    {"fionclex", FIONCLEX},
    {"fionread", FIONREAD},
    {"tcgets", TCGETS},
    {"tcsets", TCSETS},
    {"winsz", TIOCGWINSZ},
    {"setwinsz", TIOCSWINSZ},
    {"getpgrp", TIOCGPGRP},
    {"setpgrp", TIOCSPGRP},
    {"getsid", TIOCGSID},
    {"outq", TIOCOUTQ},
    {"notty", TIOCNOTTY},
    {"getptn", TIOCGPTN},
    {"setptlck", TIOCSPTLCK},
    {"tty99", 0x5499},
};

static const struct {
    const char *name;
    int fd;
} things[] = {
    {"file", FD_RW},       {"dir", FD_DIR},     {"pipe", FD_PIPE_R},
    {"event", FD_EVENT},   {"epoll", FD_EPOLL}, {"timer", FD_TIMER},
    {"memfd", FD_MEM},     {"path", FD_PATH},   {"null", FD_NULL},
    {"proc", FD_PROC},     {"ptmx", FD_PTY},    {"pts", FD_PTS},
    {"closed", FD_CLOSED},
};

static const u64 places[] = {AREA(0) + GOOD, 0, KERNEL, AREA(0) + GONE};

static bool mounted;

static void open_terminals(void)
{
    int zero = 0, number = 0, fd;
    char name[32];

    mkdir("/dev/pts", 0755);
    mounted = mount("devpts", "/dev/pts", "devpts", 0, NULL) == 0;
    fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    ioctl(fd, TIOCSPTLCK, &zero);
    ioctl(fd, TIOCGPTN, &number);
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    dup2(fd, FD_PTY);
    dup2(open(name, O_RDWR | O_NOCTTY), FD_PTS);
}

static long do_ioctl(int i, void *arg)
{
    long ret;

    memset((void *)(AREA(0) + GOOD), 0, 256);
    ret = CALL(SYS_ioctl, *(int *)arg, commands[i / 4].cmd, places[i % 4]);
    return ret > 0 ? ANSWER_VARIES : ret;
}

static void test_ioctl(void)
{
    static const char *const names[] = {"", "@null", "@kernel", "@gone"};

    for (size_t t = 0; t < COUNT(things); t++) {
        int fd = things[t].fd;

        series_begin();
        for (size_t i = 0; i < 4 * COUNT(commands); i++)
            trial("%s%s", commands[i / 4].name, names[i % 4]);
        series_run(do_ioctl, &fd, true, NULL);
        series_print("ioctl %s", things[t].name);
    }
}

/* ---- signal frames -------------------------------------------------------*/

static int spoiled;
static u64 spoil_value;

static void spoil_frame(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    uc->uc_mcontext.gregs[spoiled] = spoil_value;
}

static long do_frame(int i, void *arg)
{
    static const u64 values[] = {0, 1ul << 47, KERNEL, -1ul};
    struct sigaction action = {.sa_sigaction = spoil_frame,
                               .sa_flags = SA_SIGINFO};

    (void)arg;
    spoiled = i / 4;
    spoil_value = values[i % 4];
    sigaction(SIGUSR1, &action, NULL);
    CALL(SYS_tgkill, getpid(), getpid(), SIGUSR1);
    return 0;
}

/* Registers that the way back loads: r8 to r15, rip, flags, segments. */
static void test_frames(void)
{
    static const char *const names[] = {
        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rdi",
        "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip"};

    series_begin();
    for (size_t i = 0; i < 4 * COUNT(names); i++)
        trial("%s/%ld", names[i / 4], (long)(i % 4));
    series_run(do_frame, NULL, true, NULL);
    for (int i = 0; i < series->count; i++) /* any way of dying is one */
        if (series->trials[i].answer > ANSWER_EXIT)
            series->trials[i].answer = ANSWER_SIGNAL + SIGSEGV;
    series_print("frame");
}

int main(void)
{
    struct rlimit no_core = {0, 0};

    setrlimit(RLIMIT_CORE, &no_core);
    make_paths();
    make_files();
    make_memory();
    make_descriptors();
    open_terminals();
    test_clone();
    test_clone3();
    test_ioctl();
    test_frames();
    CALL(SYS_close_range, 3, ~0u, 0);
    if (mounted)
        umount("/dev/pts");
    remove_files();
    return done();
}
