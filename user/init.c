/*
 * init.c - the first program (pid 1).
 *
 * Mounts /proc, /sys and /dev, runs the tour (the demo programs, one after the
 * other), then gives the console a shell, a new one when it ends, and reaps
 * whatever processes are left without a parent.
 *
 * Environment, from the kernel's command line:
 *     tour=exit   power off after the tour; the status says how it went
 *     tour=exp    run the experiments named by exp= instead, and power off
 *     tour=no     straight to the shell
 * Signals, as busybox's poweroff, reboot and halt send them: USR2, TERM, USR1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *type, *where;
} mounts[] = {{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}};

/* Programs of the tour.  Where the kernel has not what a step needs (it is
 * Linux then), the step is left out, or other words stand in. */
static const struct {
    char *words[4], *needs, *instead[4];
} tour[] = {
    {{"hello"}, NULL, {NULL}},
    {{"vm"}, NULL, {NULL}},
    {{"pw"}, "/proc/pagewalk", {NULL}},
    {{"edu"}, NULL, {NULL}},
    {{"exp", "run", "0.1"}, "/proc/exp", {"exp", "run", "3.13"}},
};

static volatile sig_atomic_t signalled; /* USR1, USR2, TERM, or 0 */

static void on_signal(int sig)
{
    signalled = sig;
}

static void mount_all(void)
{
    size_t i;

    for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        mkdir(mounts[i].where, 0755);
        if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) &&
            errno != EBUSY)
            printf("init: cannot mount %s: %s\n", mounts[i].where,
                   strerror(errno));
    }
    /* what udev would make: shells use /dev/fd for <(command) */
    if (symlink("/proc/self/fd", "/dev/fd") ||
        symlink("/proc/self/fd/0", "/dev/stdin") ||
        symlink("/proc/self/fd/1", "/dev/stdout") ||
        symlink("/proc/self/fd/2", "/dev/stderr"))
        printf("init: no /dev/fd and the like: %s\n", strerror(errno));
}

/* Never returns; the kernel reports a failed run to QEMU. */
static void leave(unsigned int command, const char *word)
{
    fflush(stdout);
    sync();
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command,
            word);
    perror("init: reboot");
    for (;;)
        pause();
}

static void leave_with_result(int ok)
{
    if (ok)
        leave(LINUX_REBOOT_CMD_POWER_OFF, NULL);
    leave(LINUX_REBOOT_CMD_RESTART2, "failed");
}

/* Runs a program to its end; whether it exited with status 0. */
static int run(char *const argv[])
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        printf("init: %s: %s\n", argv[0], strerror(errno));
        fflush(stdout);
        _exit(127);
    }
    if (pid < 0) {
        perror("init: fork");
        return 0;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    if (status)
        printf("init: %s %s %d\n", argv[0],
               WIFSIGNALED(status) ? "was killed by signal"
                                   : "ended with status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return status == 0;
}

static int run_tour(void)
{
    size_t n = sizeof(tour) / sizeof(tour[0]), i;
    int ok = 1;

    for (i = 0; i < n; i++) {
        char *const *argv = tour[i].words;

        if (tour[i].needs && access(tour[i].needs, F_OK))
            argv = tour[i].instead;
        if (!argv[0])
            continue;
        printf("\n--- tour %zu of %zu: %s ---\n", i + 1, n, argv[0]);
        ok &= run(argv);
    }
    printf("\n--- the tour %s ---\n", ok ? "went well" : "did NOT go well");
    return ok;
}

/* "0.1 --broken": the words of exp=, as arguments of exp run. */
static int run_experiments(void)
{
    char *argv[16] = {"exp", "run"};
    char *words = getenv("exp"), *word;
    size_t n = 2;

    words = strdup(words ? words : "all");
    word = strtok(words, " \"");
    for (; word && n < 15; word = strtok(NULL, " \""))
        argv[n++] = word;
    return run(argv);
}

/* The console's shell: a session of its own with the console as terminal. */
static pid_t start_shell(void)
{
    pid_t pid;

    printf("\nA shell.  Try: exp list, exp run 0.1, why-fault vm, "
           "what 0xffff888000000000, pw, edu.\n"
           "Leave with poweroff, or Ctrl-A X.\n");
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        int fd;

        setsid();
        fd = open("/dev/console", O_RDWR);
        if (fd >= 0) {
            ioctl(fd, TIOCSCTTY, 0);
            dup2(fd, 0);
            dup2(fd, 1);
            dup2(fd, 2);
            if (fd > 2)
                close(fd);
        }
        execl("/bin/sh", "-sh", "-l", (char *)NULL);
        printf("init: /bin/sh: %s\n", strerror(errno));
        fflush(stdout);
        _exit(127);
    }
    return pid;
}

static void obey(int sig)
{
    signal(SIGTERM, SIG_IGN);
    kill(-1, SIGTERM);
    kill(-1, SIGKILL);
    if (sig == SIGUSR2)
        leave(LINUX_REBOOT_CMD_POWER_OFF, NULL);
    if (sig == SIGTERM)
        leave(LINUX_REBOOT_CMD_RESTART, NULL);
    leave(LINUX_REBOOT_CMD_HALT, NULL);
}

static void serve(void)
{
    pid_t shell = start_shell();

    for (;;) {
        int status;
        pid_t pid;

        if (signalled)
            obey(signalled);
        pid = wait(&status);
        if (pid < 0 && errno == ECHILD)
            pid = shell; /* no child at all: the shell could not start */
        if (pid > 0 && pid == shell) {
            if (status && WIFEXITED(status) && WEXITSTATUS(status) == 127)
                sleep(1); /* no shell: not in a busy loop */
            shell = start_shell();
        }
    }
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
    const char *mode = getenv("tour");
    int ok;

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    setenv("PATH", "/bin", 1);
    setenv("HOME", "/root", 1);
    mount_all();

    if (mode && !strcmp(mode, "exp"))
        leave_with_result(run_experiments());
    if (!mode || strcmp(mode, "no")) {
        ok = run_tour();
        if (mode && !strcmp(mode, "exit"))
            leave_with_result(ok);
    }
    serve();
}
