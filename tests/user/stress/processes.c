/*
 * processes.c - children that end in every way there is, exec from any
 * thread, orphans.
 */
#include "stress.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void exec_self(int code)
{
    char number[12];
    char *argv[] = {(char *)self_path, "child", number, NULL};

    snprintf(number, sizeof(number), "%d", code);
    execv(self_path, argv);
    lacking("exec of this program", errno);
}

static void exec_busybox(int code)
{
    char line[40];
    char *argv[] = {"sh", "-c", line, NULL};

    snprintf(line, sizeof(line), "(exit 3); : $(echo x); exit %d", code);
    execv("/bin/busybox", argv);
    exec_self(code);
}

static void *exit_all(void *arg)
{
    pause_us(below(300));
    _exit((intptr_t)arg);
}

static void exit_from_a_thread(int code)
{
    struct crew crew = {.n = 0};

    crew_add(&crew, exit_all, (void *)(intptr_t)code);
    crew_add(&crew, exit_all, (void *)(intptr_t)code);
    for (;;)
        pause();
}

static void thread_exits_first(int code)
{
    struct crew crew = {.n = 0};

    crew_add(&crew, exit_all, (void *)(intptr_t)code);
    syscall(SYS_exit, 99); /* only this thread; not the process's status */
}

static void vfork_and_exec(int code)
{
    char number[12];
    char *argv[] = {(char *)self_path, "child", number, NULL};
    int status;
    pid_t pid;

    snprintf(number, sizeof(number), "%d", code);
    pid = vfork();
    if (pid == 0) {
        execv(self_path, argv);
        _exit(77);
    }
    if (pid < 0)
        lacking("vfork", errno);
    must(waitpid(pid, &status, 0) == pid, "waitpid after vfork");
    if (status == WEXIT(77) || (status == SIGKILL && killed_for_memory()))
        starved();
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 78);
}

static void plain_exit(int code)
{
    _exit(code);
}

static void (*const endings[])(int code) = {
    plain_exit,         exec_self,          exec_busybox,
    exit_from_a_thread, thread_exits_first, vfork_and_exec,
};

/* Several children at once, each with a status to be seen exactly once. */
void stress_processes(void)
{
    pid_t pids[6];
    int wants[6], n = 1 + below(6);

    for (int i = 0; i < n; i++) {
        unsigned int ending = below(sizeof(endings) / sizeof(endings[0]) + 1);
        int code = 1 + below(60);

        wants[i] = WEXIT(code);
        if (ending == sizeof(endings) / sizeof(endings[0]))
            wants[i] = SIGKILL;
        pids[i] = fork_child();
        if (pids[i] == 0 && wants[i] == SIGKILL)
            for (;;)
                pause();
        if (pids[i] == 0)
            endings[ending](code);
        if (wants[i] == SIGKILL)
            kill(pids[i], SIGKILL);
    }
    while (n--)
        reap(pids[n], wants[n]);
    must(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "one child too many");
}

/* ---- exec while other threads do something ---- */

static void *keep_busy(void *arg)
{
    for (;;) {
        void *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p != MAP_FAILED) {
            memset(p, 1, PAGE);
            munmap(p, 8 * PAGE);
        }
        if (below(4) == 0)
            pause_us(below(100));
        if (below(16) == 0)
            sched_yield();
    }
    return arg;
}

static void *exec_here(void *arg)
{
    pause_us(below(500));
    exec_self((intptr_t)arg);
    return NULL;
}

void stress_exec_threads(void)
{
    for (int i = 0; i < 4; i++) {
        int code = 1 + below(60);
        bool leader = below(2);
        pid_t pid = fork_child();

        if (pid == 0) {
            struct crew crew = {.n = 0};

            for (int n = below(4); n >= 0; n--)
                crew_add(&crew, keep_busy, NULL);
            if (leader)
                exec_here((void *)(intptr_t)code);
            crew_add(&crew, exec_here, (void *)(intptr_t)code);
            if (below(2))
                crew_add(&crew, exec_here, (void *)(intptr_t)code);
            keep_busy(NULL);
        }
        reap(pid, WEXIT(code));
    }
}

/* ---- orphans go to the subreaper ---- */

static void parent_that_leaves(int fd)
{
    for (int i = 0; i < 3; i++)
        if (fork_child() == 0) {
            pause_us(below(2000));
            write_all(fd, "x", 1);
            _exit(5);
        }
    _exit(0);
}

void stress_orphans(void)
{
    int fds[2], status, ended = 0;
    pid_t parent;
    char bytes[4];
    ssize_t n, got = 0;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe(fds))
        lacking("pipe", errno);
    parent = fork_child();
    if (parent == 0)
        parent_that_leaves(fds[1]);
    close(fds[1]);
    while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
        got += n;
    while (waitpid(-1, &status, 0) > 0) {
        if (status == WEXIT(77) || (status == SIGKILL && killed_for_memory()))
            starved();
        ended++;
    }
    must(got == 3 && ended == 4, "%zd orphans wrote, %d ended", got, ended);
}
