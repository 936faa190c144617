/*
 * tests/user/fpu.c - x87 and SSE registers are a program's own: across the
 * handler of a signal, which starts with fresh ones, and across other tasks.
 */
#define _GNU_SOURCE
#include "trial.h"

static volatile uint32_t handler_mxcsr;

static void spoil_registers(int sig, siginfo_t *info, void *context)
{
    uint32_t mxcsr;

    (void)sig;
    (void)info;
    (void)context;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    handler_mxcsr = mxcsr;
    __asm__ volatile("pcmpeqd %%xmm7, %%xmm7\n\t"
                     "pcmpeqd %%xmm15, %%xmm15\n\t"
                     "fninit; fldpi" ::
                         : "xmm7", "xmm15");
}

static void registers_across_a_signal(void)
{
    uint64_t low = 0, high = 0;
    uint32_t mxcsr = 0x1f80 | 0x6000; /* rounds to zero */
    double x87;
    pid_t pid = getpid();

    handle(SIGUSR1, spoil_registers, 0);
    __asm__ volatile("movq %4, %%xmm7\n\t"
                     "movq %5, %%xmm15\n\t"
                     "ldmxcsr %3\n\t"
                     "fld1\n\t"
                     "syscall\n\t"
                     "fstpl %2\n\t"
                     "movq %%xmm7, %0\n\t"
                     "movq %%xmm15, %1\n\t"
                     "stmxcsr %3"
                     : "=&r"(low), "=&r"(high), "=m"(x87), "+m"(mxcsr)
                     : "r"(0x1122334455667788ull), "r"(0x99aabbccddeeff00ull),
                       "a"(SYS_kill), "D"((long)pid), "S"((long)SIGUSR1)
                     : "rcx", "r11", "xmm7", "xmm15", "memory");
    if (low != 0x1122334455667788ull || high != 0x99aabbccddeeff00ull)
        _exit(8);
    if (x87 != 1.0 || mxcsr != (0x1f80 | 0x6000))
        _exit(9);
    _exit(handler_mxcsr == 0x1f80 ? 7 : 10);
}

/* Two processes with different registers take turns. */
static void registers_across_switches(void)
{
    int pipes[2][2], status, bad = 0;
    pid_t pid;

    if (pipe(pipes[0]) || pipe(pipes[1]))
        _exit(6);
    pid = fork();
    for (int i = 0; i < 200; i++) {
        uint64_t mine = i * 2 + (pid == 0), after;
        int in = pipes[pid == 0][0], out = pipes[pid != 0][1];
        char byte = 0;
        long ret;

        if (pid != 0 && write(out, &byte, 1) != 1)
            _exit(6);
        __asm__ volatile("movq %2, %%xmm5\n\t"
                         "syscall\n\t"
                         "movq %%xmm5, %1"
                         : "=a"(ret), "=&r"(after)
                         : "r"(mine), "0"(SYS_read), "D"((long)in), "S"(&byte),
                           "d"(1)
                         : "rcx", "r11", "xmm5", "memory");
        bad += ret != 1 || after != mine;
        if (pid == 0 && write(out, &byte, 1) != 1)
            _exit(6);
    }
    if (pid == 0)
        _exit(bad != 0);
    waitpid(pid, &status, 0);
    _exit(bad == 0 && status == 0 ? 7 : 8);
}

static volatile int is_fresh;

static void use_fpu(int sig, siginfo_t *info, void *context)
{
    uint32_t mxcsr;
    uint16_t cw;

    (void)sig;
    (void)info;
    (void)context;
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(cw));
    is_fresh = mxcsr == 0x1f80 && cw == 0x37f;
    __asm__ volatile("pxor %%xmm7, %%xmm7; fninit" ::: "xmm7");
}

static void a_fresh_one_for_the_handler(void)
{
    uint32_t mxcsr = 0x1f80 | 0x6000, seen;
    double x = 3.25, y;

    handle(SIGUSR1, use_fpu, 0);
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    __asm__ volatile("movsd %[x], %%xmm7; fldl %[x]\n\t"
                     "syscall\n\t"
                     "fstpl %[y]"
                     : [y] "=m"(y)
                     : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1), [x] "m"(x)
                     : "rcx", "r11", "memory", "xmm7");
    __asm__ volatile("stmxcsr %0" : "=m"(seen));
    is(is_fresh, 1, "a handler starts with a fresh FPU");
    ok(y == x, "x87's stack survives it");
    is(seen, mxcsr, "MXCSR survives it");
    mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

int main(void)
{
    is(child(registers_across_a_signal), 7, "x87 and SSE across a signal");
    is(child(registers_across_switches), 7, "SSE across switches of task");
    a_fresh_one_for_the_handler();
    return done();
}
