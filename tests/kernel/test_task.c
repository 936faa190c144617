/*
 * tests/kernel/test_task.c - tasks without ring 3: creation, numbers,
 * waiting, time; and the table of system calls.
 */
#include <kernel/core/ktest.h>
#include <kernel/core/percpu.h>
#include <kernel/core/time.h>
#include <kernel/lib/string.h>
#include <kernel/sync/mutex.h>
#include <kernel/sys/syscall.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>

#include <syscalls_gen.h>

#define THREADS 8

static struct wait_queue done_queue = WAIT_QUEUE_INIT(done_queue);
static u32 done_count;
static pid_t pids[THREADS];

static int note_pid(void *arg)
{
    pids[(u64)arg] = current->pid;
    __atomic_add_fetch(&done_count, 1, __ATOMIC_SEQ_CST);
    wake_up(&done_queue);
    return 0;
}

static void start_and_wait(int (*fn)(void *arg))
{
    u32 started = 0;

    done_count = 0;
    for (u64 i = 0; i < THREADS; i++)
        started += kthread_run(fn, (void *)i, "task test", NULL) == 0;
    KTEST_EXPECT(started == THREADS);
    wait_event(&done_queue, READ_ONCE(done_count) == started);
}

static void sleep_for(u64 ns)
{
    set_current_state(TASK_UNINTERRUPTIBLE);
    schedule_until(ktime_get() + ns);
}

/* Until the threads have left their stacks and are gone for look-ups. */
static void wait_gone(void)
{
    for (int i = 0; i < THREADS; i++) {
        struct task_struct *task;

        while ((task = task_find_get(pids[i]))) {
            put_task(task);
            sleep_for(NSEC_PER_MSEC);
        }
    }
}

KTEST(task, threads_have_their_own_numbers)
{
    start_and_wait(note_pid);
    for (int i = 0; i < THREADS; i++) {
        KTEST_EXPECT(pids[i] > 1 && pids[i] != current->pid);
        for (int j = 0; j < i; j++)
            KTEST_EXPECT(pids[i] != pids[j]);
    }
    wait_gone();
}

static bool stay;

static int stay_a_while(void *arg)
{
    pids[(u64)arg] = current->pid;
    __atomic_add_fetch(&done_count, 1, __ATOMIC_SEQ_CST);
    wake_up_all(&done_queue);
    wait_event(&done_queue, !READ_ONCE(stay));
    return 0;
}

KTEST(task, look_up_by_number_and_in_order)
{
    struct task_struct *task;
    pid_t last = 0;
    int seen = 0;

    stay = true;
    start_and_wait(stay_a_while);
    for (int i = 0; i < THREADS; i++) {
        task = task_find_get(pids[i]);
        KTEST_EXPECT(task && task->pid == pids[i]);
        if (task)
            put_task(task);
    }
    while ((task = task_next_get(last))) {
        KTEST_EXPECT(task->pid > last);
        last = task->pid;
        for (int i = 0; i < THREADS; i++)
            seen += pids[i] == last;
        put_task(task);
    }
    KTEST_EXPECT(seen == THREADS);
    WRITE_ONCE(stay, false);
    wake_up_all(&done_queue);
    wait_gone();
    KTEST_EXPECT(!task_find_get(pids[0]));
    KTEST_EXPECT(!task_find_get(-1));
}

KTEST(task, a_wait_ends_at_its_time)
{
    u64 start = ktime_get();
    bool never = false;
    int err = wait_event_until(&done_queue, READ_ONCE(never),
                               start + 5 * NSEC_PER_MSEC);

    KTEST_EXPECT(err == -ETIMEDOUT);
    KTEST_EXPECT(ktime_get() - start >= 5 * NSEC_PER_MSEC);
    KTEST_EXPECT(!schedule_until(ktime_get()));
}

static DEFINE_MUTEX(guard);
static u32 inside, most_inside;

static int enter(void *arg)
{
    pids[(u64)arg] = current->pid;
    for (int i = 0; i < 20; i++) {
        mutex_lock(&guard);
        inside++;
        most_inside = max(most_inside, inside);
        sleep_for(20 * NSEC_PER_USEC);
        inside--;
        mutex_unlock(&guard);
    }
    __atomic_add_fetch(&done_count, 1, __ATOMIC_SEQ_CST);
    wake_up(&done_queue);
    return 0;
}

KTEST(task, a_mutex_holds_others_while_its_owner_sleeps)
{
    inside = most_inside = 0;
    start_and_wait(enter);
    KTEST_EXPECT(most_inside == 1);
    KTEST_EXPECT(inside == 0);
    wait_gone();
}

KTEST(task, a_wake_up_before_the_sleep_is_not_lost)
{
    set_current_state(TASK_UNINTERRUPTIBLE);
    wake_up_task(current);
    schedule();
    KTEST_EXPECT(current->state == TASK_RUNNING);
}

KTEST(task, time_is_charged)
{
    u64 before = current->utime + current->stime, end = ktime_get();

    end += 2 * NSEC_PER_MSEC;
    while (ktime_get() < end)
        ;
    /* A sleep that is over before it began switches to nobody. */
    for (u64 switches = current->nvcsw; current->nvcsw == switches;)
        sleep_for(NSEC_PER_MSEC);
    KTEST_EXPECT(current->utime + current->stime >= before + 2 * NSEC_PER_MSEC);
}

KTEST(syscall, names_ascend_and_are_found)
{
    for (u32 i = 1; i < nr_syscall_names; i++)
        KTEST_EXPECT(syscall_names[i - 1].number < syscall_names[i].number);
    KTEST_EXPECT(!strcmp(syscall_name_find(0)->name, "read"));
    KTEST_EXPECT(!strcmp(syscall_name_find(59)->name, "execve"));
    KTEST_EXPECT(!strcmp(syscall_name_find(41)->name, "socket"));
    KTEST_EXPECT(!strcmp(syscall_name_find(9999)->name, "?"));
}

KTEST(syscall, every_entry_leads_into_the_kernel)
{
    extern char __text_start[], __text_end[];

    for (u32 i = 0; i < NR_SYSCALLS; i++)
        KTEST_EXPECT((char *)syscall_table[i] >= __text_start &&
                     (char *)syscall_table[i] < __text_end);
}
