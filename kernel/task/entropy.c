/*
 * kernel/task/entropy.c - what the random generator starts from.
 *
 * RDRAND where the CPU has it; otherwise only the TSC, which under QEMU is
 * little.  Interrupts and disks add nothing: this kernel promises no secrets,
 * only different numbers each time.
 */
#include <kernel/core/time.h>
#include <kernel/lib/random.h>
#include <kernel/sync/spinlock.h>
#include <kernel/task/internal.h>
#include <kernel/x86/cpu.h>

#define SEED_WORDS 4

static DEFINE_SPINLOCK(entropy_lock);

static void lock(u64 *flags)
{
    *flags = spin_lock_irqsave(&entropy_lock);
}

static void unlock(u64 flags)
{
    spin_unlock_irqrestore(&entropy_lock, flags);
}

static u64 hardware_word(void)
{
    u64 word = 0;

    if (cpu_has(CPU_RDRAND))
        __asm__ volatile("rdrand %0" : "=r"(word) : : "cc");
    return word ^ rdtsc();
}

void random_start(void)
{
    u64 seed[SEED_WORDS];

    for (int i = 0; i < SEED_WORDS; i++)
        seed[i] = hardware_word() ^ ktime_get_real();
    random_seed(seed, sizeof(seed));
    random_lock = lock;
    random_unlock = unlock;
}
