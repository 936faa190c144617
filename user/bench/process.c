/*
 * user/bench/process.c - making and ending processes and threads.
 */
#include "bench.h"

#include <pthread.h>
#include <spawn.h>

/* One operation is a child that exits at once, with so much memory behind. */
static int do_fork(const struct bench *b, struct sample *s)
{
    int rounds = b->arg ? 3 : 20, err = 0;
    void *p = NULL;
    uint64_t start;

    if (b->arg)
        err = map_anon(&p, b->arg);
    if (err)
        return err;
    write_pages(p, b->arg);
    start = ticks();
    for (int i = 0; i < rounds && !err; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        err = wait_for(pid);
    }
    *s = (struct sample){ticks() - start, rounds};
    if (p)
        munmap(p, b->arg);
    return err;
}

/* From just before a child's _exit to the return of its parent's wait, per
 * page that the child had touched. */
static int do_exit(const struct bench *b, struct sample *s)
{
    uint64_t start = 0, end;
    int fd[2], err;
    pid_t pid;

    if (pipe(fd))
        return errno;
    pid = fork();
    if (pid == 0) {
        void *p;

        if (map_anon(&p, b->arg))
            _exit(1);
        write_pages(p, b->arg);
        start = ticks();
        _exit(write(fd[1], &start, sizeof(start)) != sizeof(start));
    }
    err = wait_for(pid);
    end = ticks();
    if (!err && read(fd[0], &start, sizeof(start)) != sizeof(start))
        err = EIO;
    *s = (struct sample){end - start, b->arg / PAGE};
    close(fd[0]);
    close(fd[1]);
    return err;
}

static char *const exit_argv[] = {"bench", EXIT_NOW, NULL};
static char *const no_env[] = {NULL};

/* Not inlined: a vfork child shares its caller's frame. */
__attribute__((noinline)) static pid_t vfork_exec(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        execve(self_path, exit_argv, no_env);
        _exit(127);
    }
    return pid;
}

static int do_vfork_exec(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();
    int err = 0;

    (void)b;
    for (int i = 0; i < 5 && !err; i++)
        err = wait_for(vfork_exec());
    *s = (struct sample){ticks() - start, 5};
    return err;
}

static int do_spawn(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();
    int err = 0;

    (void)b;
    for (int i = 0; i < 5 && !err; i++) {
        pid_t pid;

        err = posix_spawn(&pid, self_path, NULL, NULL, exit_argv, no_env);
        if (!err)
            err = wait_for(pid);
    }
    *s = (struct sample){ticks() - start, 5};
    return err;
}

static void *nothing(void *arg)
{
    return arg;
}

static int do_thread(const struct bench *b, struct sample *s)
{
    uint64_t start = ticks();
    int err = 0;

    (void)b;
    for (int i = 0; i < 20 && !err; i++) {
        pthread_t thread;

        err = pthread_create(&thread, NULL, nothing, NULL);
        if (!err)
            err = pthread_join(thread, NULL);
    }
    *s = (struct sample){ticks() - start, 20};
    return err;
}

static const struct bench fork_lines[] = {
    {"fork_exit_wait", "small", do_fork, 0, 0, 5},
    {"fork_exit_wait", "1M-4k", do_fork, MIB, 0, 3},
    {"fork_exit_wait", "16M-4k", do_fork, 16 * MIB, 0, 3},
    {"exit_populated", "64M-4k", do_exit, 64 * MIB, 0, 3},
    {"fork_exit_wait", "16M", do_fork, 16 * MIB, 0, 3, true},
    {"exit_populated", "64M", do_exit, 64 * MIB, 0, 3, true},
};
static const struct bench exec_lines[] = {
    {"vfork_exec_exit", "self", do_vfork_exec, 0, 0, 5},
    {"posix_spawn_exit", "self", do_spawn, 0, 0, 5},
};
static const struct bench thread_lines[] = {
    {"thread_create_join", "-", do_thread, 0, 0, 5},
};
GROUP(fork, fork_lines);
GROUP(exec, exec_lines);
GROUP(thread, thread_lines);
