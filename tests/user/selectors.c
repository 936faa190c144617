/*
 * tests/user/selectors.c - segment selectors that ring 3 loads, keeps, asks
 * about and returns with: null ones, the kernel's, ones of nothing.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "trial.h"

#include <asm/prctl.h>

static void load_bogus_ds(void)
{
    __asm__ volatile("movw %w0, %%ds" : : "r"(0xfff8 | 3));
}

static void load_kernel_ds(void)
{
    __asm__ volatile("movw %w0, %%ds" : : "r"(0x18));
}

static void load_null_selectors(void)
{
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(0));
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(0x2b));
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(3));
    _exit(raw_getpid() == getpid() ? 7 : 8);
}

static unsigned int selectors(void)
{
    unsigned int ds, es, gs;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%gs, %2"
                     : "=r"(ds), "=r"(es), "=r"(gs));
    return ds | es << 8 | gs << 16;
}

static void load_selectors(unsigned int ds, unsigned int es, unsigned int gs)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs"
                     :
                     : "r"(ds), "r"(es), "r"(gs));
}

/* Two tasks on one CPU, each with its own; who asked for none has none. */
static void selectors_across_switches(void)
{
    const unsigned int loaded = 0x2b | 0x33 << 8 | 0x2b << 16;
    cpu_set_t set;
    int status, bad = selectors() != 0;
    pid_t pid;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), &set);
    pid = fork();
    if (pid)
        load_selectors(0x2b, 0x33, 0x2b);
    for (int i = 0; i < 200; i++) {
        bad |= selectors() != (pid ? loaded : 0);
        sched_yield();
    }
    if (!pid)
        _exit(bad);
    waitpid(pid, &status, 0);
    bad |= status || selectors() != loaded;
    pid = fork();
    if (!pid)
        _exit(selectors() != loaded);
    waitpid(pid, &status, 0);
    bad |= status;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &set);
    bad |= selectors() != (0x2b | 0x33 << 8);
    _exit(bad ? 8 : 7);
}

/* LAR and LSL tell ring 3 of its own segments only. */
static void ask_for_segments(void)
{
    static const struct {
        unsigned int selector;
        int there;
    } cases[] = {{0, 0},    {0x10, 0}, {0x18, 0},
                 {0x2b, 1}, {0x33, 1}, {0xffff, 0}};
    int bad = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned char lar, lsl, verr;
        unsigned long value;

        __asm__ volatile("lar %3, %1; setz %0; lsl %3, %1; setz %2"
                         : "=&r"(lar), "=&r"(value), "=&r"(lsl)
                         : "r"((unsigned long)cases[i].selector));
        __asm__ volatile("verr %w1; setz %0"
                         : "=r"(verr)
                         : "r"(cases[i].selector));
        bad |= lar != cases[i].there || lsl != cases[i].there ||
               verr != cases[i].there;
    }
    _exit(bad ? 8 : 7);
}

static void far_return_to_kernel(void)
{
    __asm__ volatile("pushq $0x10; pushq $0; lretq");
}

static void own_iret_to_nowhere(void)
{
    __asm__ volatile("pushq $0x2b; pushq $0; pushq $0x202; pushq $0xfffb;"
                     "pushq $0; iretq");
}

int main(void)
{
    is(child(load_bogus_ds), 256 + SIGSEGV, "a selector beyond the table");
    is(child(load_kernel_ds), 256 + SIGSEGV, "the kernel's selector");
    is(child(load_null_selectors), 7, "null selectors");
    is(child(selectors_across_switches), 7, "selectors across switches");
    is(child(ask_for_segments), 7, "LAR, LSL and VERR");
    is(child(far_return_to_kernel), 256 + SIGSEGV, "far return to ring 0");
    is(child(own_iret_to_nowhere), 256 + SIGSEGV, "iret to nowhere");
    return done();
}
