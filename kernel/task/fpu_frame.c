/*
 * kernel/task/fpu_frame.c - floating-point states of tasks, and how they
 * travel through signal frames in Linux's layout.
 *
 *   frame + 0                  XSAVE image (FXSAVE's 512 bytes come first)
 *         + 464                struct _fpx_sw_bytes: MAGIC1 and the sizes
 *         + fpu_state_size()   MAGIC2
 *
 * What comes back from ring 3 is copied first and checked before it is
 * loaded, so that no frame can make XRSTOR fault.
 */
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/signal.h>
#include <kernel/x86/fpu.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

/* Software bytes of the FXSAVE image, SDM 1 10.5.1. */
#define SW_BYTES_OFFSET 464

_Static_assert(sizeof(struct _fpx_sw_bytes) == FXSAVE_SIZE - SW_BYTES_OFFSET,
               "Linux's layout");

static struct kmem_cache *cache; /* made with init's own state */

static void *image_alloc(void)
{
    if (unlikely(!cache))
        cache =
            kmem_cache_create("fpu_state", fpu_alloc_size(), FPU_ALIGN, NULL);
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
    memcpy(*child, parent, fpu_alloc_size());
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

    fpu_flush(state);
    if (copy_to_user(frame, state, fpu_state_size()))
        return -EFAULT;
    if (fpu_frame_is_extended() && write_magic(frame))
        return -EFAULT;
    fpu_reset(state);
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

int fpu_frame_restore(const void __user *frame)
{
    struct fpu_state *state = current->fpu;
    struct fpu_state *image;
    ssize_t size;
    int err = 0;

    if (!frame) {
        fpu_reset(state);
        return 0;
    }
    size = frame_image_size(frame);
    if (size < 0)
        return size;
    image = image_alloc();
    if (!image)
        return -ENOMEM;
    if (copy_from_user(image, frame, size))
        err = -EFAULT;
    else if (!fpu_image_valid(image, size))
        err = -EINVAL;
    if (!err) {
        if (size == FXSAVE_SIZE)
            fpu_image_extend(image);
        memcpy(state, image, fpu_state_size());
        fpu_reload(state);
    }
    kmem_cache_free(cache, image);
    return err;
}
