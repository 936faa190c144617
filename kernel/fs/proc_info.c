/*
 * kernel/fs/proc_info.c - the files directly in /proc that tell of the
 * machine and the kernel.  Formats: Linux's, proc(5).
 */
#include <kernel/core/boottime.h>
#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/ksyms.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/fs/procfs.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/task/cputime.h>
#include <kernel/task/internal.h>
#include <kernel/core/utsname.h>
#include <kernel/x86/cpu.h>
#include <mm/report.h>

#define RECENT_NS (100 * NSEC_PER_MSEC) /* how often kmsg looks again */

static void show_cmdline(struct printer *out)
{
    printer_printf(out, "%s\n", cmdline_text());
}

static void show_version(struct printer *out)
{
    printer_printf(out, "%s version %s (root@pagewalk) (gcc %d.%d.%d) %s\n",
                   utsname.sysname, utsname.release, __GNUC__, __GNUC_MINOR__,
                   __GNUC_PATCHLEVEL__, utsname.version);
}

static struct cpu_account all_cpus(void)
{
    struct cpu_account sum = {{0, 0}, 0, 0};

    for (unsigned int cpu = 0; cpu < nr_cpus_online; cpu++) {
        struct cpu_account one = cpu_account(cpu);

        sum.spent.user += one.spent.user;
        sum.spent.system += one.spent.system;
        sum.idle += one.idle;
        sum.switches += one.switches;
    }
    return sum;
}

static void show_uptime(struct printer *out)
{
    u64 up = ktime_get() / (NSEC_PER_SEC / 100);
    u64 idle = all_cpus().idle / (NSEC_PER_SEC / 100);

    printer_printf(out, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100,
                   idle % 100);
}

static void count_tasks(u32 *all, u32 *running, pid_t *last)
{
    struct task_struct *task;

    *all = *running = 0;
    for (pid_t pid = 0; (task = task_next_get(pid));) {
        pid = *last = task->pid;
        (*all)++;
        *running += task->state == TASK_RUNNING;
        put_task(task);
    }
}

static void show_loadavg(struct printer *out)
{
    unsigned long load[3];
    u32 all, running, i;
    pid_t last = 0;

    sched_loads(load);
    count_tasks(&all, &running, &last);
    for (i = 0; i < 3; i++)
        printer_printf(out, "%lu.%02lu ", load[i] >> 16,
                       (load[i] & 0xffff) * 100 >> 16);
    printer_printf(out, "%u/%u %d\n", running, all, last);
}

static void print_cpu_times(struct printer *out, const char *name,
                            const struct cpu_account *cpu)
{
    printer_printf(out, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name,
                   ns_to_ticks(cpu->spent.user), ns_to_ticks(cpu->spent.system),
                   ns_to_ticks(cpu->idle));
}

static void show_stat(struct printer *out)
{
    u64 boot = (ktime_get_real() - ktime_get()) / NSEC_PER_SEC;
    struct cpu_account sum = all_cpus(), one;
    u32 all, running, cpu;
    pid_t last = 0;
    char name[16];

    print_cpu_times(out, "cpu ", &sum);
    for (cpu = 0; cpu < nr_cpus_online; cpu++) {
        snprintf(name, sizeof(name), "cpu%u", cpu);
        one = cpu_account(cpu);
        print_cpu_times(out, name, &one);
    }
    count_tasks(&all, &running, &last);
    printer_printf(out,
                   "intr %lu\nctxt %lu\nbtime %lu\nprocesses %d\n"
                   "procs_running %u\nprocs_blocked 0\n"
                   "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
                   irq_total(), sum.switches, boot, last, max(running, 1u));
}

static void print_cpu_flags(struct printer *out)
{
    int i;

    printer_puts(out, "flags\t\t: fpu tsc msr pae cx8 sep pge cmov mmx lm");
    for (i = 0; i < NR_CPU_FEATURES; i++)
        if (cpu_has(i))
            printer_printf(out, " %s", cpu_feature_name(i));
}

static void show_cpu(struct printer *out, u32 cpu)
{
    u32 a, b, c, d, family, model;
    char vendor[13] = "";

    cpuid(0, 0, &a, &b, &c, &d);
    memcpy(vendor, &b, 4);
    memcpy(vendor + 4, &d, 4);
    memcpy(vendor + 8, &c, 4);
    cpuid(1, 0, &a, &b, &c, &d);
    family = a >> 8 & 15;
    model = a >> 4 & 15;
    if (family == 6 || family == 15)
        model |= (a >> 16 & 15) << 4;
    if (family == 15)
        family += a >> 20 & 255;
    printer_printf(out,
                   "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\n"
                   "model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n"
                   "cpu MHz\t\t: %lu.%03lu\nphysical id\t: 0\n"
                   "siblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
                   "fpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n",
                   cpu, vendor, family, model, cpu_model_name(), a & 15,
                   tsc_khz() / 1000, tsc_khz() % 1000, nr_cpus_online, cpu,
                   nr_cpus_online);
    print_cpu_flags(out);
    printer_printf(out,
                   "\nclflush size\t: %u\ncache_alignment\t: 64\n"
                   "address sizes\t: %u bits physical, %u bits virtual\n\n",
                   (b >> 8 & 255) * 8, cpu_phys_bits(), cpu_virt_bits());
}

static void show_cpuinfo(struct printer *out)
{
    u32 cpu;

    for (cpu = 0; cpu < nr_cpus_online; cpu++)
        show_cpu(out, cpu);
}

static void show_filesystems(struct printer *out)
{
    const struct file_system_type *type;

    list_for_each_entry(type, &file_systems, link)
        printer_printf(out, "%s\t%s\n", type->nodev ? "nodev" : "", type->name);
}

static void show_partitions(struct printer *out)
{
    printer_puts(out, "major minor  #blocks  name\n\n");
}

static void show_swaps(struct printer *out)
{
    printer_puts(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static void show_nothing(struct printer *out)
{
    (void)out;
}

/* Names are found page by page of code: the table has no order of its own
 * that we may walk. */
static void show_kallsyms(struct printer *out)
{
    char name[KSYM_NAME_MAX];
    unsigned long addr = (unsigned long)__text_start, offset, size;

    while (addr < (unsigned long)__text_end &&
           ksym_lookup(addr, name, &offset, &size) && size > offset) {
        printer_printf(out, "%016lx T %s\n", addr - offset, name);
        addr += size - offset;
    }
}

static int kcore_refuse(struct inode *inode, struct file *file)
{
    (void)inode;
    (void)file;
    return -EPERM;
}

/* ---- kmsg: the log, as a stream ---- */

static int kmsg_open(struct inode *inode, struct file *file)
{
    (void)inode;
    file->pos = log_first_seq();
    file->fmode |= FMODE_STREAM;
    return 0;
}

static ssize_t kmsg_read(struct file *file, char __user *buf, size_t count,
                         loff_t *pos)
{
    char *text = kmalloc(min(count, PAGE_SIZE), GFP_KERNEL);
    u64 seq = file->pos;
    size_t n = 0;

    (void)pos;
    if (!text)
        return -ENOMEM;
    while (!(n = log_read(&seq, text, min(count, PAGE_SIZE), true))) {
        if (file->flags & O_NONBLOCK || signal_pending())
            break;
        set_current_state(TASK_INTERRUPTIBLE);
        schedule_until(ktime_get() + RECENT_NS);
        set_current_state(TASK_RUNNING);
    }
    if (n && copy_to_user(buf, text, n)) {
        kfree(text);
        return -EFAULT;
    }
    kfree(text);
    file->pos = seq;
    return n ? (ssize_t)n : file->flags & O_NONBLOCK ? -EAGAIN : -ERESTARTSYS;
}

static const struct file_operations kmsg_fops = {
    .open = kmsg_open,
    .read = kmsg_read,
};
static const struct file_operations kcore_fops = {.open = kcore_refuse};
static const struct pseudo_ops kmsg_ops = {.fops = &kmsg_fops};
static const struct pseudo_ops kcore_ops = {.fops = &kcore_fops};

PROC_TEXT(boot, boottime_report);
PROC_TEXT(buddyinfo, buddyinfo_report);
PROC_TEXT(cmdline, show_cmdline);
PROC_TEXT(cpuinfo, show_cpuinfo);
PROC_TEXT(devices, chrdevs_print);
PROC_TEXT(filesystems, show_filesystems);
PROC_TEXT(interrupts, irq_report);
PROC_TEXT(iomem, iomem_report);
PROC_TEXT(kallsyms, show_kallsyms);
PROC_TEXT(loadavg, show_loadavg);
PROC_TEXT(meminfo, meminfo_report);
PROC_TEXT(nothing, show_nothing);
PROC_TEXT(partitions, show_partitions);
PROC_TEXT(slabinfo, slabinfo_report);
PROC_TEXT(stat, show_stat);
PROC_TEXT(swaps, show_swaps);
PROC_TEXT(uptime, show_uptime);
PROC_TEXT(version, show_version);
PROC_TEXT(vmallocinfo, vmallocinfo_report);
PROC_TEXT(zoneinfo, zoneinfo_report);

static const struct {
    const char *name;
    mode_t mode;
    const struct pseudo_ops *ops;
} files[] = {
    {"boot", 0444, &boot_ops},
    {"buddyinfo", 0444, &buddyinfo_ops},
    {"cmdline", 0444, &cmdline_ops},
    {"cpuinfo", 0444, &cpuinfo_ops},
    {"devices", 0444, &devices_ops},
    {"filesystems", 0444, &filesystems_ops},
    {"interrupts", 0444, &interrupts_ops},
    {"iomem", 0400, &iomem_ops},
    {"kallsyms", 0444, &kallsyms_ops},
    {"kcore", 0400, &kcore_ops},
    {"kmsg", 0400, &kmsg_ops},
    {"loadavg", 0444, &loadavg_ops},
    {"meminfo", 0444, &meminfo_ops},
    {"modules", 0444, &nothing_ops},
    {"partitions", 0444, &partitions_ops},
    {"slabinfo", 0400, &slabinfo_ops},
    {"stat", 0444, &stat_ops},
    {"swaps", 0444, &swaps_ops},
    {"uptime", 0444, &uptime_ops},
    {"version", 0444, &version_ops},
    {"vmallocinfo", 0400, &vmallocinfo_ops},
    {"zoneinfo", 0444, &zoneinfo_ops},
};

void proc_info_init(void)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(files); i++)
        pseudo_create(proc_root, files[i].name, files[i].mode, files[i].ops,
                      NULL);
}
