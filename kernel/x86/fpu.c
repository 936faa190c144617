/*
 * kernel/x86/fpu.c - saving and loading x87, SSE and AVX registers.
 *
 * Format     XSAVE's standard one (SDM 1 13.4), because ring 3 sees it in
 *            signal frames; FXSAVE's on CPUs without XSAVE, which is its
 *            first 512 bytes.
 * Owner      fpu_owner of a CPU is the state whose registers it holds, NULL
 *            if none.  They may be newer than the memory while the task is
 *            current there, or, with a single CPU, until another user task
 *            comes.  loaded_on names the CPU on which a state is loaded.
 * Context    interrupts off while owner and registers change together.
 */
#include <kernel/lib/string.h>
#include <kernel/x86/fpu.h>

#define XFEATURES_KNOWN 0xe7  /* x87 SSE AVX and the three of AVX-512 */
#define XFEATURES_LEGACY 3ull /* x87 SSE: in the first 512 bytes */
#define XSTATE_HEADER 512     /* SDM 1 13.4.2 */
#define XSTATE_HEADER_SIZE 64
#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT 0x37f
#define LEAF_XSTATE 0xd

struct fpu_state {
    u16 fcw, fsw;
    u8 ftw, reserved;
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    u8 registers[FXSAVE_SIZE - 32];
    u64 xstate_bv, xcomp_bv; /* header of the extended part */
    u64 header_reserved[6];
} __aligned(FPU_ALIGN);

/* Behind the image, where no instruction writes. */
struct fpu_place {
    u32 loaded_on; /* CPU whose registers were last loaded from here, + 1 */
};

_Static_assert(offsetof(struct fpu_state, xstate_bv) == XSTATE_HEADER,
               "SDM 1 13.4.2");

static DEFINE_PER_CPU(struct fpu_state *, fpu_owner);
u64 fpu_xfeatures;
size_t fpu_image_size = FXSAVE_SIZE;
static u32 mxcsr_mask = 0xffbf; /* SDM 1 11.6.6: if the CPU says 0 */
static bool many_cpus;

static void xsetbv(u64 val)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((u32)val), "d"((u32)(val >> 32)));
}

static void registers_save(struct fpu_state *state)
{
    if (!fpu_xfeatures)
        __asm__ volatile("fxsave64 (%0)" : : "r"(state) : "memory");
    else if (cpu_has(CPU_XSAVEOPT))
        __asm__ volatile("xsaveopt64 (%0)"
                         :
                         : "r"(state), "a"(-1), "d"(-1)
                         : "memory");
    else
        __asm__ volatile("xsave64 (%0)"
                         :
                         : "r"(state), "a"(-1), "d"(-1)
                         : "memory");
}

static void registers_load(const struct fpu_state *state)
{
    if (!fpu_xfeatures)
        __asm__ volatile("fxrstor64 (%0)" : : "r"(state) : "memory");
    else
        __asm__ volatile("xrstor64 (%0)"
                         :
                         : "r"(state), "a"(-1), "d"(-1)
                         : "memory");
}

static void read_mxcsr_mask(void)
{
    static struct fpu_state image;

    __asm__ volatile("fninit; fxsave64 %0" : "=m"(image));
    if (image.mxcsr_mask)
        mxcsr_mask = image.mxcsr_mask;
}

void fpu_init_cpu(void)
{
    u32 a, b, c, d;

    read_mxcsr_mask();
    if (!cpu_has(CPU_XSAVE))
        return;
    cpuid(LEAF_XSTATE, 0, &a, &b, &c, &d);
    fpu_xfeatures = ((u64)d << 32 | a) & XFEATURES_KNOWN;
    xsetbv(fpu_xfeatures);
    cpuid(LEAF_XSTATE, 0, &a, &b, &c, &d);
    fpu_image_size = b;
}

size_t fpu_alloc_size(void)
{
    return ALIGN_UP(fpu_image_size, FPU_ALIGN) + sizeof(struct fpu_place);
}

static struct fpu_place *place_of(struct fpu_state *state)
{
    return (void *)((u8 *)state + ALIGN_UP(fpu_image_size, FPU_ALIGN));
}

void fpu_state_init(struct fpu_state *state)
{
    memset(state, 0, fpu_alloc_size());
    state->fcw = FCW_DEFAULT;
    state->mxcsr = MXCSR_DEFAULT;
}

static u64 irq_save(void)
{
    u64 flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    return flags;
}

static void irq_restore(u64 flags)
{
    __asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

void fpu_flush(struct fpu_state *state)
{
    u64 flags = irq_save();

    if (this_cpu_read(fpu_owner) == state)
        registers_save(state);
    irq_restore(flags);
}

static void load(struct fpu_state *state)
{
    registers_load(state);
    this_cpu_write(fpu_owner, state);
    place_of(state)->loaded_on = this_cpu_read(cpu_number) + 1;
}

void fpu_reload(struct fpu_state *state)
{
    u64 flags = irq_save();

    load(state);
    irq_restore(flags);
}

void fpu_fresh(struct fpu_state *state)
{
    if (fpu_xfeatures) { /* a clear bit loads the initial state, SDM 1 13.8 */
        state->xstate_bv = 0;
        state->xcomp_bv = 0;
        state->mxcsr = MXCSR_DEFAULT;
    } else {
        fpu_state_init(state);
    }
    fpu_reload(state);
}

size_t fpu_image_used(const struct fpu_state *state)
{
    if (fpu_xfeatures && !(state->xstate_bv & ~XFEATURES_LEGACY))
        return XSTATE_HEADER + XSTATE_HEADER_SIZE;
    return fpu_image_size;
}

void fpu_forget(struct fpu_state *state)
{
    u64 flags = irq_save();

    place_of(state)->loaded_on = 0; /* other CPUs */
    if (this_cpu_read(fpu_owner) == state)
        this_cpu_write(fpu_owner, NULL);
    irq_restore(flags);
}

void fpu_many_cpus(void)
{
    many_cpus = true;
}

void fpu_switch(struct fpu_state *prev, struct fpu_state *next)
{
    struct fpu_state *owner = this_cpu_read(fpu_owner);

    if (prev && many_cpus)
        registers_save(prev);
    if (!next)
        return;
    if (owner == next &&
        place_of(next)->loaded_on == this_cpu_read(cpu_number) + 1)
        return;
    if (owner && !many_cpus)
        registers_save(owner);
    load(next);
}

bool fpu_mxcsr_valid(u32 mxcsr)
{
    return !(mxcsr & ~mxcsr_mask);
}

bool fpu_image_valid(const struct fpu_state *image, size_t size)
{
    if (!fpu_mxcsr_valid(image->mxcsr))
        return false;
    if (size <= FXSAVE_SIZE || !fpu_xfeatures)
        return true;
    if ((image->xstate_bv & ~fpu_xfeatures) || image->xcomp_bv)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(image->header_reserved); i++)
        if (image->header_reserved[i])
            return false;
    return true;
}

void fpu_image_extend(struct fpu_state *image)
{
    if (!fpu_xfeatures)
        return;
    memset(&image->xstate_bv, 0, fpu_image_size - XSTATE_HEADER);
    image->xstate_bv = XFEATURES_LEGACY; /* x87 and SSE come from the image */
}
