/*
 * kernel/task/exec_layout.c - where things go in a new address space, and by
 * how much that is left to chance.
 *
 *     TASK_SIZE
 *       up to 16 GiB
 *     stack_top        the stack grows down from here
 *       room for it as its limit says, and a guard gap
 *       up to 1 TiB
 *     mmap_base        mappings are put below, highest first
 *
 * The widths are Linux's: 28 bits of pages for mmap and programs, 22 for the
 * stack, 32 MiB for the heap.  personality(ADDR_NO_RANDOMIZE), norandmaps and
 * randomize_va_space turn chance off.
 */
#include <kernel/task/exec.h>

#include <kernel/core/cmdline.h>
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/task/vdso.h>
#include <linux/personality.h>
#include <mm/mm.h>

#define STACK_RANDOM ((u64)PAGE_SIZE << 22) /* exec_random.stack's reach */
#define STACK_GUARD (256 * PAGE_SIZE)       /* as mm keeps below a stack */
#define GAP_MIN (128 * MIB)
#define GAP_MAX (TASK_SIZE / 6 * 5)

int randomize_va_space = 2;

void exec_layout_init(void)
{
    if (cmdline_has("norandmaps"))
        randomize_va_space = 0;
}

/* A program that gains rights does not take its caller's word. */
static bool gains_rights(const struct exec_image *image)
{
    return (image->set_uid && image->uid != current->cred.euid) ||
           (image->set_gid && image->gid != current->cred.egid);
}

static void draw(struct exec_image *image)
{
    struct exec_random *random = &image->random;
    int how = READ_ONCE(randomize_va_space);
    u8 bytes[sizeof(random->bytes)];

    random_bytes(random, sizeof(*random));
    if (how &&
        (!(current->personality & ADDR_NO_RANDOMIZE) || gains_rights(image))) {
        if (how < 2)
            random->brk = 0;
        return;
    }
    memcpy(bytes, random->bytes, sizeof(bytes));
    memset(random, 0, sizeof(*random));
    memcpy(random->bytes, bytes, sizeof(bytes));
}

void exec_layout(struct exec_image *image)
{
    u64 gap = image->mm->limits.stack, pad = STACK_GUARD;

    draw(image);
    if (image->random.stack)
        pad += STACK_RANDOM;
    gap = gap > GAP_MAX ? GAP_MAX : min(max(gap + pad, GAP_MIN), GAP_MAX);
    image->stack_top = TASK_SIZE - ((u64)image->random.stack << PAGE_SHIFT);
    image->mm->mmap_base =
        (TASK_SIZE - gap - ((u64)image->random.mmap << PAGE_SHIFT)) & PAGE_MASK;
}

/* Above the stack, in its table's range of 2 MiB, if there is room. */
u64 exec_vdso_hint(const struct exec_image *image)
{
    u64 start = image->stack_top;
    u64 end = min(ALIGN_UP(start, 2 * MIB), TASK_SIZE);

    if (!image->random.stack || end - start < VDSO_SPAN)
        return 0;
    return start + (image->random.vdso << PAGE_SHIFT) %
                       (end - start - VDSO_SPAN + PAGE_SIZE);
}
