; kernel/x86/switch.asm - from one task's kernel stack to another's.
;
; A task that does not run has its callee-saved registers on top of its kernel
; stack and the stack pointer in task_struct.  Everything else of a task
; (address space, segment bases, FPU) sched.c changes before it calls here.

%include "offsets.inc"

section .text

; struct task_struct *context_switch(struct task_struct *prev,
;                                    struct task_struct *next)
; In   rdi: the running task   rsi: the one to resume
; Out  on next's stack, rax: the task that ran before it
; Interrupts are off.
global context_switch
context_switch:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov [rdi + TASK_KERNEL_SP], rsp
    mov rsp, [rsi + TASK_KERNEL_SP]
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    mov rax, rdi
    ret

; First instruction of a new task.  Its stack holds a pt_regs and nothing
; else: a kernel thread does not come back from sched_first_run() unless it
; has become a program.
; In   rax: the task that ran before   rsp: 8 below a multiple of 16
global task_start
extern sched_first_run
extern syscall_return
task_start:
    mov rdi, rax
    sub rsp, 8
    xor ebp, ebp
    call sched_first_run
    add rsp, 8
    jmp syscall_return
