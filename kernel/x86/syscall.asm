; kernel/x86/syscall.asm - SYSCALL in, SYSRET out: the path that counts.
;
; In     rax: number   rdi rsi rdx r10 r8 r9: arguments
;        rcx: return address, r11: flags (both put there by the CPU)
; Out    rax: answer; all else as it was, but rcx and r11
; Flags  FMASK has cleared IF TF DF NT AC.
;
; SYSRET is taken only where it restores exactly what the frame says: rcx and
; r11 equal to rip and rflags (a signal frame or execve changes them), and the
; address below 2^47, because SYSRET with a non-canonical rcx would fault in
; ring 0 on ring 3's stack.  TF and RF need IRETQ.
;
; With pti=on LSTAR names hidden_syscall_entry, by its address in the CPU's
; entry window (entry_area.h), where this page shows too: there a word of the
; entry stack is in reach without GS and without a register.
;
; The other doors are shut: the gate of int 0x80 does not exist for ring 3 and
; SYSENTER_CS is 0, so both are #GP, which becomes SIGSEGV.

%include "kernel/x86/entry.inc"

RFLAGS_TF_RF equ 0x10100            ; SDM 1 3.4.3
USER_TOP_SHIFT equ 47               ; lower half of a 4-level address space

extern upcall_syscall
extern upcall_user_return
extern return_to_user
extern kernel_stack_top
extern syscall_rsp
extern user_work
extern hidden_sysret_at
extern user_cr3
extern user_cr3_keep

global syscall_page
global syscall_entry
global hidden_syscall_entry
global hidden_sysret
global syscall_entry_compat
global syscall_return

section .entry.text progbits alloc exec nowrite align=4096

syscall_page:
; The lowest word of the entry stack, seen from the window's code page.
%define SCRATCH rel syscall_page - (ENTRY_CODE_PAGE - ENTRY_STACK_PAGE) * 4096

    align 16
syscall_entry:
    swapgs
.on_kernel_table:
    mov [gs:syscall_rsp], rsp
    mov rsp, [gs:kernel_stack_top]
    push USER_DS
    push qword [gs:syscall_rsp]
    push r11
    push USER_CS
    push rcx
    push rax                        ; orig_rax
    push rdi
    PUSH_REGS_BUT_RDI
    mov rdi, rsp
    sti
    call upcall_syscall

; As return_to_user, with SYSRET where it is right.
syscall_return:
    cli
    cmp dword [gs:user_work], 0
    jne .work
    mov rcx, [rsp + REGS_RCX]
    mov r11, [rsp + REGS_R11]
    cmp rcx, [rsp + REGS_RIP]
    jne return_to_user
    cmp r11, [rsp + REGS_RFLAGS]
    jne return_to_user
    test r11d, RFLAGS_TF_RF
    jnz return_to_user
    shr rcx, USER_TOP_SHIFT
    jnz return_to_user
    POP_REGS
    mov rsp, [rsp + REGS_RSP - REGS_ORIG_RAX]
    SWAPGS_OR .hide
    o64 sysret
.hide:
    jmp [gs:hidden_sysret_at]
.work:
    mov rdi, rsp
    call upcall_user_return
    jmp syscall_return

; SYSCALL from 32-bit code, which ring 3 cannot reach: -ENOSYS.
    align 16
syscall_entry_compat:
    mov eax, -38
    o32 sysret

; ---- pti=on: runs in the CPU's entry window ----

    align 16
hidden_syscall_entry:
    swapgs
    mov [SCRATCH], rsp
    KERNEL_TABLE rsp
    mov rsp, [SCRATCH]
    jmp [rel .image]
.image:
    dq syscall_entry.on_kernel_table

; In   all as for SYSRET, but GS and CR3 are the kernel's
hidden_sysret:
    mov [SCRATCH], rsp
    mov rsp, [gs:user_cr3_keep]
    xchg rsp, [gs:user_cr3]     ; what to load now; nothing to flush next time
    mov cr3, rsp
    mov rsp, [SCRATCH]
    swapgs
    o64 sysret
