/*
 * why-fault.c - the page faults of a program, and what the kernel did.
 *
 *     why-fault COMMAND [ARGUMENTS...]    of this command, from its start
 *     why-fault                           those noted last
 *
 * Shows: that a fault is a question, and its answer a changed entry: address,
 * the CPU's error code in words, the entry before and after, the decision, and
 * what it cost (/proc/faults, which only Pagewalk has).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes a word to /proc/faults; returns the descriptor, or -1. */
static int tell(const char *line)
{
    int fd = open("/proc/faults", O_RDWR | O_CLOEXEC);

    if (fd >= 0 && *line && write(fd, line, strlen(line)) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        fprintf(stderr, "why-fault: /proc/faults: %s\n", strerror(errno));
    return fd;
}

static int print_answer(int fd)
{
    char buf[4096];
    ssize_t len;

    if (fd < 0)
        return 1;
    while ((len = read(fd, buf, sizeof(buf))) > 0)
        fwrite(buf, 1, (size_t)len, stdout);
    close(fd);
    return 0;
}

/* Waits until the parent has switched the noting on, then becomes it. */
static void become(char **argv, int go)
{
    char byte;

    if (read(go, &byte, 1) != 1)
        _exit(127);
    execvp(argv[0], argv);
    fprintf(stderr, "why-fault: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv)
{
    char line[32];
    int go[2], fd;
    pid_t pid;

    if (argc < 2)
        return print_answer(tell(""));
    if (pipe(go) < 0 || (pid = fork()) < 0) {
        perror("why-fault");
        return 1;
    }
    if (pid == 0) {
        close(go[1]);
        become(argv + 1, go[0]);
    }
    snprintf(line, sizeof(line), "on %d", pid);
    fd = tell(line);
    if (fd >= 0 && write(go[1], "", 1) < 0)
        perror("why-fault");
    close(go[1]);
    waitpid(pid, NULL, 0);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? 1 : print_answer(tell("off"));
}
