/*
 * kernel/task/fpu_frame.c - floating-point states of tasks, and how they
 * travel through signal frames in Linux's layout.
 *
 *   frame + 0                  XSAVE image (FXSAVE's 512 bytes come first)
 *         + 464                struct _fpx_sw_bytes: MAGIC1 and the sizes
 *         + fpu_state_size()   MAGIC2
 *
 * XSAVE and XRSTOR work on ring 3's memory directly; a frame that XRSTOR
 * refuses comes back through the exception table.
 */
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/signal.h>
#include <kernel/x86/fpu.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

/* Software bytes and MXCSR of the FXSAVE image, SDM 1 10.5.1. */
#define MXCSR_OFFSET 24
#define SW_BYTES_OFFSET 464

_Static_assert(sizeof(struct _fpx_sw_bytes) == FXSAVE_SIZE - SW_BYTES_OFFSET,
               "Linux's layout");

static struct kmem_cache *cache; /* made with init's own state */

static void *image_alloc(void)
{
    if (unlikely(!cache))
        cache = kmem_cache_create("fpu_state", fpu_alloc_size(), FPU_ALIGN, 0,
                                  NULL);
    return cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;
}

int fpu_alloc(struct fpu_state **state)
{
    *state = image_alloc();
    if (!*state)
        return -ENOMEM;
    fpu_state_init(*state);
    return 0;
}

void fpu_free(struct fpu_state *state)
{
    if (!state)
        return;
    fpu_forget(state);
    kmem_cache_free(cache, state);
}

int fpu_fork(struct fpu_state *parent, struct fpu_state **child)
{
    *child = image_alloc();
    if (!*child)
        return -ENOMEM;
    fpu_flush(parent);
    memcpy(*child, parent, fpu_image_used(parent));
    fpu_forget(*child);
    return 0;
}

void fpu_reset(struct fpu_state *state)
{
    fpu_state_init(state);
    fpu_reload(state);
}

bool fpu_frame_is_extended(void)
{
    return fpu_features() != 0;
}

size_t fpu_frame_size(void)
{
    return fpu_state_size() + (fpu_frame_is_extended() ? sizeof(u32) : 0);
}

static int write_magic(u8 __user *frame)
{
    const u32 magic2 = FP_XSTATE_MAGIC2;
    struct _fpx_sw_bytes sw = {
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = fpu_frame_size(),
        .xfeatures = fpu_features(),
        .xstate_size = fpu_state_size(),
    };

    if (copy_to_user(frame + SW_BYTES_OFFSET, &sw, sizeof(sw)) ||
        copy_to_user(frame + fpu_state_size(), &magic2, sizeof(magic2)))
        return -EFAULT;
    return 0;
}

int fpu_frame_save(void __user *frame)
{
    struct fpu_state *state = current->fpu;

    if (fpu_frame_is_extended()) {
        if (fpu_xsave_user(frame) || write_magic(frame))
            return -EFAULT;
    } else {
        fpu_flush(state);
        if (copy_to_user(frame, state, fpu_state_size()))
            return -EFAULT;
    }
    fpu_fresh(state);
    return 0;
}

/*
 * Bytes of the image that the frame claims and proves to hold.  As on Linux a
 * frame whose software bytes do not fit is taken for a plain FXSAVE image:
 * programs that build frames of their own do not know about them.
 */
static ssize_t frame_image_size(const u8 __user *frame)
{
    struct _fpx_sw_bytes sw;
    u32 magic2;

    if (!fpu_frame_is_extended())
        return FXSAVE_SIZE;
    if (copy_from_user(&sw, frame + SW_BYTES_OFFSET, sizeof(sw)))
        return -EFAULT;
    if (sw.magic1 != FP_XSTATE_MAGIC1 || sw.xstate_size != fpu_state_size() ||
        sw.extended_size < fpu_frame_size())
        return FXSAVE_SIZE;
    if (copy_from_user(&magic2, frame + fpu_state_size(), sizeof(magic2)))
        return -EFAULT;
    return magic2 == FP_XSTATE_MAGIC2 ? fpu_state_size() : FXSAVE_SIZE;
}

/* Only the legacy part: copied, checked, completed, loaded. */
static int restore_legacy(struct fpu_state *state, const void __user *frame)
{
    if (copy_from_user(state, frame, FXSAVE_SIZE))
        return -EFAULT;
    if (!fpu_image_valid(state, FXSAVE_SIZE))
        return -EINVAL;
    fpu_image_extend(state);
    fpu_reload(state);
    return 0;
}

/*
 * Straight into the registers, which are newer than current's state in
 * memory; so a bad frame leaves nothing to go back to, but fresh registers.
 */
int fpu_frame_restore(const void __user *frame)
{
    struct fpu_state *state = current->fpu;
    ssize_t size;
    u32 mxcsr;
    int err;

    if (!frame) {
        fpu_reset(state);
        return 0;
    }
    if ((u64)frame % FPU_ALIGN)
        return -EINVAL;
    size = frame_image_size(frame);
    if (size < 0)
        return size;
    if (size == FXSAVE_SIZE)
        err = restore_legacy(state, frame);
    else if (get_user(mxcsr, (const u32 __user *)(frame + MXCSR_OFFSET)))
        err = -EFAULT;
    else /* QEMU's XRSTOR takes any MXCSR */
        err = fpu_mxcsr_valid(mxcsr) ? fpu_xrstor_user(frame) : -EINVAL;
    if (err)
        fpu_reset(state);
    return err;
}
