/*
 * kernel/task/report.c - what a panic says of the task it happened in.
 */
#include <kernel/task/internal.h>

#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <mm/mm.h>

static const char *state_word(enum task_state state)
{
    static const char *const words[] = {"running", "sleeping", "waiting",
                                        "stopped", "zombie",   "dead"};

    return (size_t)state < ARRAY_SIZE(words) ? words[state] : "?";
}

/* Reads only what is certainly mapped; takes no lock. */
static void print_current(const struct pt_regs *regs, u64 addr)
{
    const struct task_struct *task = this_cpu_read(current_task);

    (void)regs;
    (void)addr;
    if (!task) {
        pr_err("  none yet: the kernel is starting\n");
        return;
    }
    pr_err("  %s[%d], %s, process %d, parent %d, %s, stack %p\n", task->comm,
           task->pid, state_word(task->state), task->tgid,
           task->signal->parent->tgid,
           task->mm ? "a program" : "a kernel thread", task->stack);
    pr_err("  %u tasks, %u runnable here\n", nr_tasks, sched_nr_running());
}

void task_report_init(void)
{
    static struct panic_report report = {.name = "Current process",
                                         .print = print_current};

    panic_report_register(&report);
}
