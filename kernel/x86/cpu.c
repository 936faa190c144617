/*
 * kernel/x86/cpu.c - CPUID into feature bits, and control registers to match.
 *
 * Numbers: SDM 2A, CPUID; control registers: SDM 3A 2.5.
 */
#include <kernel/lib/string.h>
#include <kernel/x86/cpu.h>

#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)

#define CR4_DE BIT(3)
#define CR4_PGE BIT(7)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP BIT(11)
#define CR4_FSGSBASE BIT(16)
#define CR4_PCIDE BIT(17)
#define CR4_OSXSAVE BIT(18)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)

#define EFER_NXE BIT(11)

enum reg { EAX, EBX, ECX, EDX };

struct feature_row {
    u32 leaf;
    u8 subleaf;
    u8 reg;
    u8 bit;
    const char *name; /* /proc/cpuinfo's */
};

static const struct feature_row rows[NR_CPU_FEATURES] = {
    [CPU_NX] = {0x80000001, 0, EDX, 20, "nx"},
    [CPU_PGE] = {1, 0, EDX, 13, "pge"},
    [CPU_PAT] = {1, 0, EDX, 16, "pat"},
    [CPU_PDPE1GB] = {0x80000001, 0, EDX, 26, "pdpe1gb"},
    [CPU_LA57] = {7, 0, ECX, 16, "la57"},
    [CPU_SMEP] = {7, 0, EBX, 7, "smep"},
    [CPU_SMAP] = {7, 0, EBX, 20, "smap"},
    [CPU_UMIP] = {7, 0, ECX, 2, "umip"},
    [CPU_PCID] = {1, 0, ECX, 17, "pcid"},
    [CPU_INVPCID] = {7, 0, EBX, 10, "invpcid"},
    [CPU_FSGSBASE] = {7, 0, EBX, 0, "fsgsbase"},
    [CPU_XSAVE] = {1, 0, ECX, 26, "xsave"},
    [CPU_XSAVEOPT] = {0xd, 1, EAX, 0, "xsaveopt"},
    [CPU_AVX] = {1, 0, ECX, 28, "avx"},
    [CPU_ERMS] = {7, 0, EBX, 9, "erms"},
    [CPU_APIC] = {1, 0, EDX, 9, "apic"},
    [CPU_X2APIC] = {1, 0, ECX, 21, "x2apic"},
    [CPU_TSC_DEADLINE] = {1, 0, ECX, 24, "tsc_deadline_timer"},
    [CPU_INVARIANT_TSC] = {0x80000007, 0, EDX, 8, "nonstop_tsc"},
    [CPU_RDRAND] = {1, 0, ECX, 30, "rdrand"},
    [CPU_RDTSCP] = {0x80000001, 0, EDX, 27, "rdtscp"},
    [CPU_HYPERVISOR] = {1, 0, ECX, 31, "hypervisor"},
    [CPU_FXSR] = {1, 0, EDX, 24, "fxsr"},
    [CPU_SSE2] = {1, 0, EDX, 26, "sse2"},
    [CPU_SYSCALL] = {0x80000001, 0, EDX, 11, "syscall"},
    [CPU_LM] = {0x80000001, 0, EDX, 29, "lm"},
    [CPU_CLFLUSH] = {1, 0, EDX, 19, "clflush"},
    [CPU_RDSEED] = {7, 0, EBX, 18, "rdseed"},
};

u64 cpu_feature_bits;
static char model_name[49];
static u8 phys_bits = 36, virt_bits = 48;

static u32 leaf_max(u32 leaf)
{
    u32 regs[4];

    cpuid(leaf & 0x80000000, 0, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]);
    return regs[EAX];
}

static void read_model_name(void)
{
    u32 *out = (u32 *)model_name;

    for (u32 leaf = 0x80000002; leaf <= 0x80000004; leaf++, out += 4)
        cpuid(leaf, 0, &out[0], &out[1], &out[2], &out[3]);
}

void cpu_detect(void)
{
    const u32 basic_max = leaf_max(0), extended_max = leaf_max(0x80000000);
    u32 leaf = 0, subleaf = 0, regs[4];

    for (int i = 0; i < NR_CPU_FEATURES; i++) {
        const struct feature_row *row = &rows[i];

        if (row->leaf > (row->leaf & 0x80000000 ? extended_max : basic_max))
            continue;
        if (row->leaf != leaf || row->subleaf != subleaf) {
            leaf = row->leaf;
            subleaf = row->subleaf;
            cpuid(leaf, subleaf, &regs[EAX], &regs[EBX], &regs[ECX],
                  &regs[EDX]);
        }
        if (regs[row->reg] & BIT(row->bit))
            cpu_feature_bits |= BIT(i);
    }
    if (!cpu_has(CPU_PGE)) /* kernel entries must hold under every PCID */
        cpu_feature_bits &= ~BIT(CPU_PCID);
    if (extended_max >= 0x80000004)
        read_model_name();
    if (extended_max >= 0x80000008) {
        cpuid(0x80000008, 0, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]);
        phys_bits = regs[EAX];
        virt_bits = regs[EAX] >> 8;
    }
}

/* One row of section code_patch, written by the macros of entry.inc. */
struct code_patch {
    u8 *instruction;
    union {
        u64 bytes;        /* the low ones */
        const u8 *target; /* of a short jump */
    };
    u32 when;
    u32 length; /* 0: a jump, over three bytes */
};

extern const struct code_patch __start_code_patch[], __stop_code_patch[];

/* JMP rel8 counts from behind its two bytes; the third is a NOP. */
static u64 short_jump(const struct code_patch *patch)
{
    s64 distance = patch->target - (patch->instruction + 2);

    if (distance != (s8)distance) /* the entry code outgrew it */
        __builtin_trap();
    return 0xeb | (u64)(u8)distance << 8 | 0x90 << 16;
}

void cpu_patch(unsigned int when)
{
    const struct code_patch *patch;
    u64 cr0 = read_cr0();

    write_cr0(cr0 & ~CR0_WP); /* text may be mapped read-only */
    for (patch = __start_code_patch; patch < __stop_code_patch; patch++) {
        u64 bytes = patch->length ? patch->bytes : short_jump(patch);

        if (patch->when == when)
            memcpy(patch->instruction, &bytes,
                   patch->length ? patch->length : 3);
    }
    write_cr0(cr0);
}

/* Once, while only the boot CPU runs. */
static void patch_smap(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    cpu_patch(PATCH_SMAP);
}

/* SDM 3A 11.12.2: a byte per index, as enum pat_index names them. */
#define PAT_VALUE 0x0007050100070406ull

void cpu_enable_protections(void)
{
    u64 cr4 = read_cr4() | CR4_DE;

    if (cpu_has(CPU_PGE))
        cr4 |= CR4_PGE;
    if (cpu_has(CPU_FXSR))
        cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (cpu_has(CPU_XSAVE))
        cr4 |= CR4_OSXSAVE;
    if (cpu_has(CPU_PCID)) /* CR3 names PCID 0 so far: SDM 3A 4.10.1 */
        cr4 |= CR4_PCIDE;
    if (cpu_has(CPU_FSGSBASE))
        cr4 |= CR4_FSGSBASE;
    if (cpu_has(CPU_UMIP))
        cr4 |= CR4_UMIP;
    if (cpu_has(CPU_SMEP))
        cr4 |= CR4_SMEP;
    if (cpu_has(CPU_SMAP)) {
        patch_smap();
        cr4 |= CR4_SMAP;
    }
    write_cr4(cr4);
    write_cr0((read_cr0() & ~(CR0_EM | CR0_TS | CR0_NW | CR0_CD | CR0_AM)) |
              CR0_MP | CR0_NE | CR0_WP);
    if (cpu_has(CPU_NX))
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    if (cpu_has(CPU_PAT))
        wrmsr(MSR_PAT, PAT_VALUE);
}

const char *cpu_feature_name(enum cpu_feature feature)
{
    return rows[feature].name;
}

const char *cpu_model_name(void)
{
    const char *name = model_name;

    while (*name == ' ')
        name++;
    return *name ? name : "unknown CPU";
}

unsigned int cpu_phys_bits(void)
{
    return phys_bits;
}

unsigned int cpu_virt_bits(void)
{
    return virt_bits;
}
