/*
 * user/bench/switch.c - two tasks that take turns: by pipe, by sched_yield,
 * by futex.  One operation is there and back, at least two switches.
 */
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#define ROUNDS 200

static int echo_child(int from, int to)
{
    char byte;

    while (read(from, &byte, 1) == 1)
        if (write(to, &byte, 1) != 1)
            return 1;
    return 0;
}

static int do_pipe(const struct bench *b, struct sample *s)
{
    int there[2], back[2], err = 0;
    uint64_t start = 0;
    char byte = 0;
    pid_t pid;

    (void)b;
    if (pipe(there))
        return errno;
    if (pipe(back)) {
        err = errno;
        close(there[0]);
        close(there[1]);
        return err;
    }
    pid = fork();
    if (pid == 0) {
        close(there[1]);
        _exit(echo_child(there[0], back[1]));
    }
    close(there[0]);
    close(back[1]);
    err = pid < 0 ? errno : 0;
    for (int i = 0; i <= ROUNDS && !err; i++) {
        if (i == 1) /* round 0 let the child start up */
            start = ticks();
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            err = errno ? errno : EIO;
    }
    *s = (struct sample){ticks() - start, ROUNDS};
    close(there[1]);
    close(back[0]);
    return err ? err : wait_for(pid);
}

/* The limit keeps a sched_yield that never switches from hanging us. */
static bool await_turn(volatile int *turn, int mine)
{
    for (int i = 0; i < 100000; i++) {
        if (*turn == mine)
            return true;
        sched_yield();
    }
    return false;
}

static int yield_child(volatile int *turn)
{
    for (int i = 0; i <= ROUNDS; i++) {
        if (!await_turn(turn, 1))
            return 1;
        *turn = 0;
    }
    return 0;
}

static int do_yield_pair(const struct bench *b, struct sample *s)
{
    uint64_t start = 0;
    volatile int *turn;
    void *shared;
    pid_t pid;
    int err = map(&shared, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1);

    (void)b;
    if (err)
        return err;
    turn = shared;
    pid = fork();
    if (pid == 0)
        _exit(yield_child(turn));
    err = pid < 0 ? errno : 0;
    for (int i = 0; i <= ROUNDS && !err; i++) {
        if (i == 1)
            start = ticks();
        *turn = 1;
        if (!await_turn(turn, 0))
            err = WRONG;
    }
    *s = (struct sample){ticks() - start, ROUNDS};
    if (!err)
        err = wait_for(pid);
    munmap(shared, PAGE);
    return err;
}

static int turn_word;

static long futex(int op, int val)
{
    return syscall(SYS_futex, &turn_word, op | FUTEX_PRIVATE_FLAG, val, NULL,
                   NULL, 0);
}

/* Sleeps until turn_word is `mine`: 0 or an errno. */
static int futex_await(int mine)
{
    int now;

    while ((now = __atomic_load_n(&turn_word, __ATOMIC_ACQUIRE)) != mine)
        if (futex(FUTEX_WAIT, now) && errno != EAGAIN && errno != EINTR)
            return errno;
    return 0;
}

static void futex_pass(int next)
{
    __atomic_store_n(&turn_word, next, __ATOMIC_RELEASE);
    futex(FUTEX_WAKE, 1);
}

static void *futex_partner(void *arg)
{
    for (int i = 0; i <= ROUNDS && !futex_await(1); i++)
        futex_pass(0);
    return arg;
}

static int do_futex(const struct bench *b, struct sample *s)
{
    uint64_t start = 0;
    pthread_t partner;
    int err;

    (void)b;
    if (futex(FUTEX_WAKE, 1) < 0)
        return errno;
    turn_word = 0;
    err = pthread_create(&partner, NULL, futex_partner, NULL);
    if (err)
        return err;
    for (int i = 0; i <= ROUNDS && !err; i++) {
        if (i == 1)
            start = ticks();
        futex_pass(1);
        err = futex_await(0);
    }
    *s = (struct sample){ticks() - start, ROUNDS};
    pthread_join(partner, NULL);
    return err;
}

static const struct bench lines[] = {
    {"pipe_pingpong", "process", do_pipe},
    {"sched_yield_pair", "process", do_yield_pair},
    {"futex_pingpong", "thread", do_futex},
};
GROUP(switch, lines);
