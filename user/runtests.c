/*
 * runtests.c - runs the programs of /test, one after the other.
 *
 *     runtests [NAME[=ARGUMENT,...]...]
 *
 * Each is an ordinary program that prints TAP and exits with 0 if all held.
 * Around its output stand "TEST name begin" and "TEST name exit N" (or
 * "signal N"); a test that takes over two minutes (over LIMIT seconds, if
 * that is in the environment) is killed.  As pid 1 it mounts what they need
 * first and powers off at the end; a word "exp" adds the ring-3 experiments.
 * It runs on Linux too: that is how the two kernels are compared.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORY "/test"
#define ARGUMENTS 16

static int failed, ran, limit = 120;

static void on_alarm(int sig)
{
    (void)sig; /* only to interrupt waitpid */
}

/* Waits for the child; kills its process group when time is up. */
static int wait_limited(pid_t pid)
{
    struct sigaction action = {.sa_handler = on_alarm};
    int status = 0;
    pid_t ended;
    bool late = false;

    sigaction(SIGALRM, &action, NULL);
    alarm(limit);
    while ((ended = waitpid(-1, &status, 0)) != pid) {
        if (ended > 0 || late) /* an orphan: pid 1 is asked to look */
            continue;
        late = true;
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    alarm(0);
    if (late)
        printf("# killed after %d seconds\n", limit);
    return status;
}

static void run(const char *name, const char *path, char *const argv[])
{
    int status;
    pid_t pid;

    printf("TEST %s begin\n", name);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        execv(path, argv);
        perror(path);
        _exit(127);
    }
    status = pid < 0 ? -1 : wait_limited(pid);
    ran++;
    if (status)
        failed++;
    if (WIFSIGNALED(status))
        printf("TEST %s signal %d\n", name, WTERMSIG(status));
    else
        printf("TEST %s exit %d\n", name, WEXITSTATUS(status));
    fflush(stdout);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The word of the command line that names the test: NAME or NAME=... */
static char *word_for(const char *name, int argc, char **argv)
{
    size_t length = strlen(name);

    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], name, length) &&
            (argv[i][length] == '=' || !argv[i][length]))
            return argv[i];
    return NULL;
}

/* Words that name no test (the kernel passes on what it does not know) leave
 * all of them wanted. */
static bool any_named(struct dirent **entries, int n, int argc, char **argv)
{
    for (int i = 0; i < n; i++)
        if (word_for(entries[i]->d_name, argc, argv))
            return true;
    return word_for("exp", argc, argv) != NULL;
}

static void run_test(const char *name, const char *word)
{
    char path[300], *argv[ARGUMENTS + 2] = {path};
    char *rest = word ? strchr(word, '=') : NULL;
    int n = 1;

    snprintf(path, sizeof(path), DIRECTORY "/%.200s", name);
    for (rest = rest ? strdup(rest + 1) : NULL; rest && n <= ARGUMENTS;)
        argv[n++] = strsep(&rest, ",");
    run(name, path, argv);
}

static void run_all(int argc, char **argv)
{
    struct dirent **entries;
    int n = scandir(DIRECTORY, &entries, is_visible, alphasort);
    bool all = !any_named(entries, n, argc, argv);

    for (int i = 0; i < n; i++) {
        const char *word = word_for(entries[i]->d_name, argc, argv);

        if (all || word)
            run_test(entries[i]->d_name, word);
    }
    if (all || word_for("exp", argc, argv))
        run("exp", "/bin/exp", (char *[]){"exp", "run", "all", NULL});
}

static void mount_all(void)
{
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
}

int main(int argc, char **argv)
{
    bool init = getpid() == 1;

    if (init) {
        mount_all();
        setenv("PATH", "/bin", 1);
    }
    if (getenv("LIMIT"))
        limit = atoi(getenv("LIMIT"));
    run_all(argc, argv);
    printf("runtests: %d passed, %d failed\n", ran - failed, failed);
    fflush(stdout);
    if (!init)
        return failed != 0;
    if (failed) /* Pagewalk then ends QEMU with "failed" */
        syscall(SYS_reboot, 0xfee1dead, 672274793, 0xa1b2c3d4, "failed");
    reboot(RB_POWER_OFF);
    return 1;
}
