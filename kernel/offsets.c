/*
 * kernel/offsets.c - numbers of C that assembly needs.
 *
 * Never linked: the Makefile compiles it to assembly text and turns each
 * "->NAME value" line into a %define of build/offsets.inc.
 */
#include <boot/trace.h>
#include <kernel/core/percpu.h>
#include <kernel/task/task.h>
#include <kernel/x86/regs.h>
#include <kernel/x86/segments.h>
#include <kernel/x86/smp.h>
#include <mm/layout.h>

#define DEFINE(name, value)                                                    \
    __asm__ volatile("\n->" #name " %0" : : "i"((unsigned long)(value)))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void offsets(void);
void offsets(void)
{
    DEFINE(KERNEL_BASE, KERNEL_BASE);
    DEFINE(KERNEL_TO_PHYS, -KERNEL_BASE); /* adding it is subtracting */
    DEFINE(CPU_ENTRY_AREA_BASE, CPU_ENTRY_AREA_BASE);
    DEFINE(AP_TRAMPOLINE, AP_TRAMPOLINE);
    DEFINE(AP_PARAMETERS_SIZE, sizeof(struct ap_parameters));
    OFFSET(AP_CR4, struct ap_parameters, cr4);
    OFFSET(AP_BOOT_ROOT, struct ap_parameters, boot_root);
    OFFSET(AP_KERNEL_ROOT, struct ap_parameters, kernel_root);
    OFFSET(AP_STACK, struct ap_parameters, stack);
    OFFSET(AP_ARGUMENT, struct ap_parameters, argument);
    OFFSET(AP_ENTRY, struct ap_parameters, entry);
    OFFSET(AP_REAL_CS, struct ap_parameters, real_cs);

    DEFINE(PATCH_SMAP, PATCH_SMAP);
    DEFINE(PATCH_PTI, PATCH_PTI);
    DEFINE(PATCH_PTI_PCID, PATCH_PTI_PCID);
    DEFINE(ENTRY_STACK_PAGE, ENTRY_STACK_PAGE);
    DEFINE(ENTRY_CODE_PAGE, ENTRY_CODE_PAGE);

    DEFINE(USER_CS, USER_CS);
    DEFINE(USER_DS, USER_DS);
    DEFINE(TASK_SIZE_4L, TASK_SIZE_4L);
    DEFINE(TASK_SIZE_5L, TASK_SIZE_5L);

    DEFINE(STAGE_SIZE, sizeof(struct boot_stage));
    OFFSET(STAGE_CR0, struct boot_stage, cr0);
    OFFSET(STAGE_CR3, struct boot_stage, cr3);
    OFFSET(STAGE_CR4, struct boot_stage, cr4);
    OFFSET(STAGE_EFER, struct boot_stage, efer);
    OFFSET(STAGE_ADDRESS, struct boot_stage, address);
    OFFSET(STAGE_SEEN, struct boot_stage, seen);
    OFFSET(TRACE_STAGES, struct boot_trace, stages);
    DEFINE(TRACE_MAGIC, BOOT_TRACE_MAGIC);

    DEFINE(REGS_SIZE, sizeof(struct pt_regs));
    OFFSET(REGS_R15, struct pt_regs, r15);
    OFFSET(REGS_R14, struct pt_regs, r14);
    OFFSET(REGS_R13, struct pt_regs, r13);
    OFFSET(REGS_R12, struct pt_regs, r12);
    OFFSET(REGS_RBP, struct pt_regs, rbp);
    OFFSET(REGS_RBX, struct pt_regs, rbx);
    OFFSET(REGS_R11, struct pt_regs, r11);
    OFFSET(REGS_R10, struct pt_regs, r10);
    OFFSET(REGS_R9, struct pt_regs, r9);
    OFFSET(REGS_R8, struct pt_regs, r8);
    OFFSET(REGS_RAX, struct pt_regs, rax);
    OFFSET(REGS_RCX, struct pt_regs, rcx);
    OFFSET(REGS_RDX, struct pt_regs, rdx);
    OFFSET(REGS_RSI, struct pt_regs, rsi);
    OFFSET(REGS_RDI, struct pt_regs, rdi);
    OFFSET(REGS_ORIG_RAX, struct pt_regs, orig_rax);
    OFFSET(REGS_RIP, struct pt_regs, rip);
    OFFSET(REGS_CS, struct pt_regs, cs);
    OFFSET(REGS_RFLAGS, struct pt_regs, rflags);
    OFFSET(REGS_RSP, struct pt_regs, rsp);
    OFFSET(REGS_SS, struct pt_regs, ss);

    OFFSET(TASK_KERNEL_SP, struct task_struct, kernel_sp);
    OFFSET(TASK_STACK, struct task_struct, stack);
}
