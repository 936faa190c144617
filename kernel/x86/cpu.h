/*
 * kernel/x86/cpu.h - what this CPU can do, and the registers that tell it to.
 *
 * Features are read once from CPUID (SDM 2A, CPUID) on the boot CPU, before
 * anything else in C asks; other CPUs must offer the same.
 */
#pragma once

#include <kernel/lib/types.h>

#define NR_CPUS_MAX 64

enum cpu_feature {
    CPU_NX,
    CPU_PGE,
    CPU_PAT,
    CPU_PDPE1GB,
    CPU_LA57,
    CPU_SMEP,
    CPU_SMAP,
    CPU_UMIP,
    CPU_PCID,
    CPU_INVPCID,
    CPU_FSGSBASE,
    CPU_XSAVE,
    CPU_XSAVEOPT,
    CPU_AVX,
    CPU_ERMS,
    CPU_APIC,
    CPU_X2APIC,
    CPU_TSC_DEADLINE,
    CPU_INVARIANT_TSC,
    CPU_RDRAND,
    CPU_RDTSCP,
    CPU_HYPERVISOR,
    CPU_FXSR,
    CPU_SSE2,
    CPU_SYSCALL,
    CPU_LM,
    CPU_CLFLUSH,
    CPU_RDSEED,
    NR_CPU_FEATURES,
};

extern u64 cpu_feature_bits; /* constant after cpu_detect() */

static inline bool cpu_has(enum cpu_feature feature)
{
    return cpu_feature_bits & BIT(feature);
}

void cpu_detect(void); /* first thing in kmain */
/* What the PAT holds at each index (PAT, PCD, PWT bits of an entry, as a
 * number) once cpu_enable_protections() ran; 0-3 are so on every CPU. */
enum pat_index { PAT_WB, PAT_WT, PAT_UC_MINUS, PAT_UC, PAT_WC };

/* WP, PGE, PCIDE, SMEP, SMAP, UMIP, PAT, FSGSBASE, OSFXSR, OSXSAVE; each CPU.
 * Once on the boot CPU it also patches CLAC and STAC into the code. */
void cpu_enable_protections(void);

/*
 * Code that is other code once something is known, at no cost until then: see
 * kernel/x86/entry.inc.  cpu_patch rewrites what waits for this.
 * Context: interrupts off, one CPU runs.
 */
#define PATCH_SMAP 0     /* the CPU has SMAP */
#define PATCH_PTI 1      /* pti=on */
#define PATCH_PTI_PCID 2 /* pti=on, and the CPU has PCID */
void cpu_patch(unsigned int when);

const char *cpu_feature_name(enum cpu_feature feature); /* as /proc/cpuinfo */
const char *cpu_model_name(void);
unsigned int cpu_phys_bits(void);
unsigned int cpu_virt_bits(void);

static inline void cpuid(u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    __asm__ volatile("cpuid"
                     : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
                     : "a"(leaf), "c"(subleaf));
}

#define MSR_EFER 0xc0000080 /* SDM 4, table 2-2 */
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102 /* ring 3's while in the kernel */
#define MSR_PAT 0x277
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_SYSENTER_CS 0x174

static inline u64 rdmsr(u32 msr)
{
    u32 lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 val)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((u32)val), "d"((u32)(val >> 32))
                     : "memory");
}

#define DEFINE_CONTROL_REGISTER(reg)                                           \
    static inline u64 read_##reg(void)                                         \
    {                                                                          \
        u64 val;                                                               \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(val)::"memory");          \
        return val;                                                            \
    }                                                                          \
    static inline void write_##reg(u64 val)                                    \
    {                                                                          \
        __asm__ volatile("mov %0, %%" #reg : : "r"(val) : "memory");           \
    }
DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4)
#undef DEFINE_CONTROL_REGISTER

static inline void outb(u16 port, u8 val)
{
    __asm__ volatile("outb %0, %1" : : "a"(val), "Nd"(port));
}
static inline void outw(u16 port, u16 val)
{
    __asm__ volatile("outw %0, %1" : : "a"(val), "Nd"(port));
}
static inline void outl(u16 port, u32 val)
{
    __asm__ volatile("outl %0, %1" : : "a"(val), "Nd"(port));
}
static inline u8 inb(u16 port)
{
    u8 val;
    __asm__ volatile("inb %1, %0" : "=a"(val) : "Nd"(port));
    return val;
}
static inline u16 inw(u16 port)
{
    u16 val;
    __asm__ volatile("inw %1, %0" : "=a"(val) : "Nd"(port));
    return val;
}
static inline u32 inl(u16 port)
{
    u32 val;
    __asm__ volatile("inl %1, %0" : "=a"(val) : "Nd"(port));
    return val;
}

/* Waits for an interrupt.  Called with interrupts off, so that a wake-up
 * between the caller's last look and the halt is not slept through; returns
 * with them on. */
static inline void cpu_idle(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}
