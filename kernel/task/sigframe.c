/*
 * kernel/task/sigframe.c - the frame that a handler finds on ring 3's stack,
 * and the way back from it.
 *
 *     rsp before          128 bytes that belong to the interrupted code
 *                         FPU state, 64-byte aligned
 *                         siginfo
 *                         ucontext: registers, mask, alternate stack
 *     rsp of the handler  restorer's address: the handler "returns" there
 *
 * Layout and register contents are Linux's, because programs read and change
 * them.  What comes back is not trusted: selectors must be ring 3's, flags are
 * limited to what ring 3 may set, the FPU state is checked by x86 code, and
 * an address that is none faults on the way out in ring 3's name.
 */
#include <kernel/task/internal.h>

#include <kernel/lib/string.h>
#include <kernel/task/sigset.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/fpu.h>
#include <kernel/x86/segments.h>
#include <kernel/x86/trap.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define RED_ZONE 128 /* System V ABI, AMD64, 3.2.2 */

#define UC_FP_XSTATE 1 /* asm/ucontext.h */
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4

/* What a handler may change: CF PF AF ZF SF TF DF OF RF AC, SDM 1 3.4.3. */
#define RFLAGS_USER 0x50dd5ul
#define RFLAGS_TF BIT(8)
#define RFLAGS_DF BIT(10)
#define RFLAGS_RF BIT(16)

struct user_context {
    u64 flags;
    u64 link;
    struct {
        u64 sp;
        s32 flags;
        u32 padding;
        u64 size;
    } stack;
    struct sigcontext_64 regs;
    sigset_t mask;
};

struct rt_sigframe {
    u64 restorer;
    struct user_context uc;
    siginfo_t info;
};

/* What an alternate stack must hold for a handler to start at all. */
size_t sigframe_min_size(void)
{
    return ALIGN_UP(sizeof(struct rt_sigframe) + 8, 16) + fpu_frame_size() +
           64 + RED_ZONE;
}

static bool inside_altstack(const struct task_struct *task, u64 sp)
{
    return sp > task->sigaltstack.sp &&
           sp - task->sigaltstack.sp <= task->sigaltstack.size;
}

bool on_altstack(const struct task_struct *task, u64 sp)
{
    return inside_altstack(task, sp) &&
           !(task->sigaltstack.flags & SS_AUTODISARM);
}

static u32 altstack_flags(const struct task_struct *task, u64 sp)
{
    if (!task->sigaltstack.size)
        return SS_DISABLE;
    return (on_altstack(task, sp) ? SS_ONSTACK : 0) |
           (task->sigaltstack.flags & SS_AUTODISARM);
}

static void regs_save(struct sigcontext_64 *to, const struct pt_regs *regs)
{
    const struct task_struct *task = current;

    to->r8 = regs->r8;
    to->r9 = regs->r9;
    to->r10 = regs->r10;
    to->r11 = regs->r11;
    to->r12 = regs->r12;
    to->r13 = regs->r13;
    to->r14 = regs->r14;
    to->r15 = regs->r15;
    to->di = regs->rdi;
    to->si = regs->rsi;
    to->bp = regs->rbp;
    to->bx = regs->rbx;
    to->dx = regs->rdx;
    to->ax = regs->rax;
    to->cx = regs->rcx;
    to->sp = regs->rsp;
    to->ip = regs->rip;
    to->flags = regs->rflags;
    to->cs = regs->cs;
    to->gs = to->fs = 0;
    to->ss = regs->ss;
    to->err = task->fault.error;
    to->trapno = task->fault.trapno;
    to->cr2 = task->fault.cr2;
}

static void regs_load(struct pt_regs *regs, const struct sigcontext_64 *from)
{
    regs->r8 = from->r8;
    regs->r9 = from->r9;
    regs->r10 = from->r10;
    regs->r11 = from->r11;
    regs->r12 = from->r12;
    regs->r13 = from->r13;
    regs->r14 = from->r14;
    regs->r15 = from->r15;
    regs->rdi = from->di;
    regs->rsi = from->si;
    regs->rbp = from->bp;
    regs->rbx = from->bx;
    regs->rdx = from->dx;
    regs->rax = from->ax;
    regs->rcx = from->cx;
    regs->rsp = from->sp;
    regs->rip = from->ip;
    regs->rflags = (regs->rflags & ~RFLAGS_USER) | (from->flags & RFLAGS_USER);
    regs->orig_rax = -1; /* no call to restart */
}

static u64 frame_place(const struct kernel_sigaction *action,
                       const struct pt_regs *regs, u64 *fpu)
{
    const struct task_struct *task = current;
    u64 sp = regs->rsp - RED_ZONE;
    bool nested = on_altstack(task, regs->rsp);

    if ((action->flags & SA_ONSTACK) && task->sigaltstack.size && !nested) {
        sp = task->sigaltstack.sp + task->sigaltstack.size;
        nested = true;
    }
    *fpu = ALIGN_DOWN(sp - fpu_frame_size(), 64);
    sp = ALIGN_DOWN(*fpu - sizeof(struct rt_sigframe), 16) - 8;
    if (nested && !inside_altstack(task, sp))
        return 0; /* the alternate stack is full */
    return sp;
}

int sigframe_setup(int sig, const siginfo_t *info,
                   const struct kernel_sigaction *action, const sigset_t *mask,
                   struct pt_regs *regs)
{
    struct task_struct *task = current;
    struct rt_sigframe frame;
    u64 fpu, sp = frame_place(action, regs, &fpu);

    if (!sp || !(action->flags & SA_RESTORER))
        return -EFAULT;
    frame.uc.link = 0;
    __builtin_memset(frame.uc.regs.reserved1, 0,
                     sizeof(frame.uc.regs.reserved1));
    frame.restorer = (u64)action->restorer;
    frame.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS |
                     (fpu_frame_is_extended() ? UC_FP_XSTATE : 0);
    frame.uc.stack.sp = task->sigaltstack.sp;
    frame.uc.stack.size = task->sigaltstack.size;
    frame.uc.stack.flags = altstack_flags(task, regs->rsp);
    frame.uc.stack.padding = 0;
    regs_save(&frame.uc.regs, regs);
    frame.uc.regs.oldmask = *mask;
    frame.uc.regs.fpstate = fpu;
    frame.uc.mask = *mask;
    siginfo_copy(&frame.info, info);
    siginfo_clear_rest(&frame.info);
    if (fpu_frame_save((void __user *)fpu) < 0 ||
        copy_to_user((void __user *)sp, &frame, sizeof(frame)))
        return -EFAULT;
    if (task->sigaltstack.flags & SS_AUTODISARM)
        memset(&task->sigaltstack, 0, sizeof(task->sigaltstack));
    regs->rdi = sig;
    regs->rsi = sp + offsetof(struct rt_sigframe, info);
    regs->rdx = sp + offsetof(struct rt_sigframe, uc);
    regs->rax = 0;
    regs->rip = (u64)action->handler;
    regs->rsp = sp;
    regs->cs = USER_CS;
    regs->ss = USER_DS;
    regs->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    return 0;
}

static bool frame_restore(struct pt_regs *regs)
{
    struct rt_sigframe __user *from =
        (struct rt_sigframe __user *)(regs->rsp - 8);
    struct task_struct *task = current;
    struct user_context uc;

    if (copy_from_user(&uc, &from->uc, sizeof(uc)))
        return false;
    if ((uc.regs.cs | 3) != USER_CS || (uc.regs.ss | 3) != USER_DS)
        return false;
    signal_set_blocked(&uc.mask);
    regs_load(regs, &uc.regs);
    if (fpu_frame_restore((const void __user *)uc.regs.fpstate) < 0)
        return false; /* the signal for it interrupts what this one did */
    if (!on_altstack(task, regs->rsp) &&
        !(uc.stack.flags & SS_DISABLE && !uc.stack.size)) {
        task->sigaltstack.sp = uc.stack.sp;
        task->sigaltstack.size = uc.stack.size;
        task->sigaltstack.flags = uc.stack.flags & SS_AUTODISARM;
    }
    return true;
}

long sys_rt_sigreturn(void)
{
    struct pt_regs *regs = task_user_regs(current);

    if (!frame_restore(regs)) {
        regs->orig_rax = -1;
        force_signal(SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0);
        return 0;
    }
    return regs->rax; /* what upcall_syscall stores there again */
}
