/*
 * tests/kernel/crash.c - see the header.
 */
#include <kernel/core/cmdline.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <mm/layout.h>
#include <tests/kernel/crash.h>

static unsigned long __noinline overflow(unsigned long depth)
{
    volatile u8 frame[512];

    frame[0] = depth;
    return depth ? overflow(depth - 1) + frame[0] : frame[0];
}

static void crash_overflow(void)
{
    overflow(1ul << 40);
}

static void crash_null(void)
{
    volatile int *volatile nowhere = (void *)8;

    *nowhere = 1;
}

static void crash_write_text(void)
{
    *(volatile char *)__text_start = 0;
}

static void crash_exec_data(void)
{
    void (*data)(void) = (void (*)(void))__data_start;

    data();
}

static void crash_bug(void)
{
    BUG_ON(1);
}

static void crash_gp(void)
{
    *(volatile int *)0x8000000000000000 = 1;
}

static void crash_ud(void)
{
    __asm__ volatile("ud2");
}

static void crash_stuck(void)
{
    local_irq_disable();
    for (;;)
        cpu_relax();
}

static const struct {
    const char *kind;
    void (*crash)(void);
} kinds[] = {
    {"overflow", crash_overflow},
    {"null", crash_null},
    {"write-text", crash_write_text},
    {"exec-data", crash_exec_data},
    {"bug", crash_bug},
    {"gp", crash_gp},
    {"ud", crash_ud},
    {"stuck", crash_stuck},
};

void crash_on_request(void)
{
    const char *kind = cmdline_get("crash");

    for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].crash();
    if (kind)
        pr_warn("crash=%s: no such kind, or it did not crash", kind);
}
