/*
 * kernel/task/loadavg.c - how many tasks run or want to, now and of late.
 */
#include <kernel/task/rq.h>

#include <kernel/core/time.h>
#include <kernel/lib/string.h>

#define LOAD_STEP (5 * NSEC_PER_SEC)
#define LOAD_ONE 65536ul /* 16 bits of fraction, as sysinfo(2) */

u32 sched_nr_running(void)
{
    u32 sum = 0;

    for (unsigned int cpu = 0; cpu < max(nr_cpus_online, 1u); cpu++) {
        struct run_queue *rq = per_cpu_ptr(&run_queue, cpu);
        struct task_struct *running = *per_cpu_ptr(&current_task, cpu);

        sum += rq->nr_queued + (running != rq->idle);
    }
    return sum;
}

/* The averages decay when somebody asks, by as many steps as have passed. */
void sched_loads(unsigned long loads[3])
{
    /* LOAD_ONE / e^(5 s / 1, 5, 15 min) */
    static const u32 decay[3] = {60295, 64453, 65173};
    static unsigned long average[3];
    static u64 last;
    u64 now = ktime_get(), steps = (now - last) / LOAD_STEP;
    unsigned long running = sched_nr_running() * LOAD_ONE;

    last += steps * LOAD_STEP;
    for (steps = min(steps, 1000ull); steps; steps--)
        for (int i = 0; i < 3; i++)
            average[i] =
                (average[i] * decay[i] + running * (LOAD_ONE - decay[i])) /
                LOAD_ONE;
    memcpy(loads, average, sizeof(average));
}
