/*
 * kernel/x86/fpu.h - x87, SSE and AVX registers of ring 3.
 *
 * The kernel itself never uses them.  A CPU keeps the registers of the last
 * user task that ran on it (its owner) through kernel threads and idling, and
 * only a different user task costs a save and a load: XSAVE is dear.  With
 * several CPUs the save happens when the task leaves, because it may go on
 * elsewhere; the load is still spared if it comes back to where it was.
 *
 * A state belongs to one task.  Functions that take "current's" state expect
 * that task to run on this CPU as a user task.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/percpu.h>

struct fpu_state; /* an XSAVE area of fpu_state_size() bytes, 64-aligned */

#define FPU_ALIGN 64
#define FXSAVE_SIZE 512 /* SDM 1 10.5.1 */

/* After cpu_enable_protections(), on each CPU: XCR0 and the sizes. */
void fpu_init_cpu(void);

extern size_t fpu_image_size; /* (c) by fpu_state_size() */
extern u64 fpu_xfeatures;     /* (c) by fpu_features() */

static inline size_t fpu_state_size(void) /* of the image */
{
    return fpu_image_size;
}

static inline u64 fpu_features(void) /* XCR0; 0: no XSAVE, only FXSAVE */
{
    return fpu_xfeatures;
}

size_t fpu_alloc_size(void); /* of the memory that a state needs */
void fpu_many_cpus(void);    /* before a second CPU runs user tasks */

void fpu_state_init(struct fpu_state *state); /* as after execve */

/* Current's registers as after execve, for a handler: quick, because the
 * memory keeps what no XRSTOR reads any more. */
void fpu_fresh(struct fpu_state *state);

/* The CPU's registers to and from ring 3's memory, where there is XSAVE; in
 * uaccess.asm.  0 or -EFAULT (also for an image that XRSTOR refuses; the
 * registers are then undefined). */
int fpu_xsave_user(void __user *image);
int fpu_xrstor_user(const void __user *image);

/* Bytes of a saved image that hold something: without the parts behind the
 * header while those are in their initial state. */
size_t fpu_image_used(const struct fpu_state *state);

/* The registers of `state`'s task, wherever they are now, are in memory on
 * return.  Interrupts off, or state is current's. */
void fpu_flush(struct fpu_state *state);

/* Current's registers become what memory holds. */
void fpu_reload(struct fpu_state *state);

/* No CPU thinks any more that it holds this state; before it is freed. */
void fpu_forget(struct fpu_state *state);

/* prev leaves, next comes; NULL: a kernel thread.  Interrupts off. */
void fpu_switch(struct fpu_state *prev, struct fpu_state *next);

bool fpu_mxcsr_valid(u32 mxcsr); /* no reserved bit */

/* Whether loading these bytes of a signal frame can not fault: no unknown
 * component, no reserved bit.  size: FXSAVE_SIZE or fpu_state_size(). */
bool fpu_image_valid(const struct fpu_state *image, size_t size);

/* With only an FXSAVE image at hand: the rest as after execve. */
void fpu_image_extend(struct fpu_state *image);

/*
 * The following need memory and ring 3's pages, so kernel/task/fpu_frame.c
 * has them.
 */
int fpu_alloc(struct fpu_state **state); /* fresh; 0 or -ENOMEM */
void fpu_free(struct fpu_state *state);  /* NULL is fine */
/* A copy of current's for a new task.  0 or -ENOMEM. */
int fpu_fork(struct fpu_state *parent, struct fpu_state **child);
void fpu_reset(struct fpu_state *state); /* current's, in execve */

/*
 * Linux's floating-point part of a signal frame: the XSAVE image, with
 * FP_XSTATE_MAGIC1 in its software bytes and MAGIC2 behind it; a plain FXSAVE
 * image without XSAVE.  At a multiple of 64.
 */
size_t fpu_frame_size(void);
bool fpu_frame_is_extended(void); /* UC_FP_XSTATE */
/* Writes current's registers there and gives the handler fresh ones.
 * 0 or -EFAULT. */
int fpu_frame_save(void __user *frame);
/* NULL: fresh registers.  0, -EFAULT, or -EINVAL for a corrupted frame, with
 * the registers as they were. */
int fpu_frame_restore(const void __user *frame);
