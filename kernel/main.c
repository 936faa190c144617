/*
 * kernel/main.c - kmain: the order in which the kernel starts.
 *
 * One list, top to bottom; a step may use what stands above it.  Nothing here
 * waits, and nothing is linear in RAM.
 */
#include <boot/bootinfo.h>
#include <drivers/acpi/tables.h>
#include <drivers/char/console.h>
#include <drivers/char/power.h>
#include <drivers/char/rtc.h>
#include <drivers/driver.h>
#include <kernel/core/boottime.h>
#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/ktest.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/ksyms.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/core/watchdog.h>
#include <kernel/fs/fs.h>
#include <kernel/main.h>
#include <kernel/report.h>
#include <kernel/sys/syscall.h>
#include <kernel/task/internal.h>
#include <kernel/task/cpu_up.h>
#include <kernel/task/task.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/fpu.h>
#include <kernel/x86/trap.h>
#include <mm/bench.h>
#include <mm/init.h>
#include <mm/mm.h>
#include <mm/uaccess.h>
#include <tests/kernel/crash.h>
#include <tests/kernel/exp/exp.h>

#define INIT_WORDS 32 /* arguments or environment strings, as on Linux */

/* In a task of its own, as the tests may sleep. */
static int selftest_main(void *glob)
{
    int failures = ktest_run(glob);

    power_test_exit(failures ? POWER_TEST_FAILED : POWER_TEST_PASSED);
}

static void run_selftests(const char *glob)
{
    if (kthread_run(selftest_main, (void *)glob, "selftest", NULL))
        panic("no memory for the task of the self-tests");
    schedule();
    cpu_idle_loop();
}

static __noreturn void first_program(void)
{
    const char *argv[INIT_WORDS + 2] = {"/init"};
    const char *envp[INIT_WORDS + 3] = {"HOME=/", "TERM=linux"};
    const char *path = cmdline_get("rdinit");

    if (path && *path)
        argv[0] = path;
    argv[1 + cmdline_init_args(argv + 1, INIT_WORDS)] = NULL;
    envp[2 + cmdline_init_env(envp + 2, INIT_WORDS)] = NULL;
    start_init(argv[0], argv, envp);
}

/* Tables, interrupt controllers, clock: what ACPI finds is handed down. */
static void machine_init(void)
{
    struct irq_hardware irqs;
    struct time_hardware clocks;

    acpi_init(bootinfo.rsdp,
              bootinfo.has_rsdp_copy ? bootinfo.rsdp_copy : NULL);
    acpi_irq_hardware(&irqs);
    irq_init(&irqs);
    acpi_time_hardware(&clocks);
    time_init(&clocks);
    rtc_init(); /* the wall clock */
}

void kmain(u32 magic, u64 info, u64 entry_tsc)
{
    time_init_early(entry_tsc);
    cpu_detect();
    trap_init();              /* the IDT's page */
    percpu_init_boot_cpu();   /* GDT, TSS, IDT, GS */
    cpu_enable_protections(); /* WP, SMEP, SMAP, UMIP, PAT, ... */
    syscall_init();
    fpu_init_cpu();
    printk_init_early();
    ksyms_init(); /* %pS */
    pr_info("Pagewalk: a kernel to look at memory mapping with");
    bootinfo_init(magic, info);
    cmdline_init(bootinfo.cmdline);
    cmdline_has("no5lvl"); /* boot/entry.asm has obeyed it */
    pr_info("Command line: %s", cmdline_text());
    printk_init_options();
    panic_init();
    watchdog_init();
    uart_console_init();
    cpus_reserve();
    memory_init(); /* page tables, pages, slab, vmalloc */
    trap_fixup_find = exception_table_find;
    mm_init();    /* address spaces, page cache, user memory */
    sched_init(); /* from here on locks may block */
    task_init();
    boottime_mark("memory");
    machine_init();
    power_init();
    boottime_mark("machine");
    boot_report();
    boottime_mark("report");
    if (cmdline_get("bench"))
        mm_bench(); /* bench=mm */
    fs_init();      /* /, devtmpfs, /proc and /sys, all of them empty */
    exp_init();     /* /proc/exp */
    boottime_mark("files");
    drivers_init();
    boottime_mark("drivers");
    strace_init();
    cpus_start();
    boottime_mark("cpus");
    crash_on_request();
    if (cmdline_has("selftest"))
        run_selftests(cmdline_get("selftest"));
    if (memory_open_reserved(bootinfo.initrd_start, bootinfo.initrd_end))
        panic("no memory to look at the initramfs");
    initramfs_unpack();
    boottime_mark("initramfs");
    memory_free_init();
    first_program();
}
