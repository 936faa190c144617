; kernel/x86/isr.asm - the 256 ways in that the IDT offers, and the way back.
;
; Stub   each vector has ISR_STUB_SIZE bytes: it pushes 0 where the CPU pushed
;        no error code, then rdi, and takes its number along in edi.
; Frame  what follows builds a struct pt_regs and calls
;            trap_dispatch(struct pt_regs *regs, unsigned int vector)
;        with interrupts off, GS the kernel's, AC and DF clear.
; GS     from ring 3: SWAPGS.  From ring 0: nothing, except on the vectors
;        with a stack of their own (NMI, #DB, #DF, #MC), which may arrive
;        between an entry and its SWAPGS: there the base is saved, set to what
;        lies at the stack's top, and put back.
; Table  with pti=on ring 3 has a table that shows nothing of the kernel but
;        these pages and the CPU entry area (entry.inc).  An entry from ring 3
;        arrives on the entry stack, changes CR3 and moves to the task's
;        stack; vectors with a stack of their own may arrive in ring 0 on
;        either table, and go back to the one they found.
; Stack  vectors with a stack of their own that come from ring 3 move to the
;        task's kernel stack, because their handlers may sleep (signals).
;        An NMI stays, so that nothing but its IRETQ ends it.

%include "kernel/x86/entry.inc"

ISR_STUB_SIZE equ 16

extern trap_dispatch
extern upcall_user_return
extern kernel_stack_top
extern user_work
extern entry_stack_top
extern syscall_rsp
extern user_cr3
extern user_cr3_keep

global isr_stubs
global return_to_user

section .entry.text progbits alloc exec nowrite align=4096

%macro STUB 3                   ; vector, does the CPU push a code, way on
    align ISR_STUB_SIZE
  %if %2 = 0
    push 0
  %endif
    push rdi
    mov edi, %1
    jmp %3
%endmacro

    align ISR_STUB_SIZE
isr_stubs:
%assign vec 0
%rep 256
  %if vec = 1 || vec = 2 || vec = 18
    STUB vec, 0, own_stack_entry
  %elif vec = 8
    STUB vec, 1, own_stack_entry
  %elif vec >= 10 && vec <= 14  ; #TS #NP #SS #GP #PF
    STUB vec, 1, common_entry
  %elif vec = 17 || vec = 21 || vec = 29 || vec = 30 ; #AC #CP #VC #SX
    STUB vec, 1, common_entry
  %else
    STUB vec, 0, common_entry
  %endif
  %assign vec vec + 1
%endrep

; In   edi: vector   stack: rdi, error code, the CPU's frame
    align 16
common_entry:
    PUSH_REGS_BUT_RDI
    mov esi, edi
    mov rdi, rsp
    cld
    CLAC_IF_SMAP
    test byte [rsp + REGS_CS], 3
    jz .from_kernel
    SWAPGS_OR .hidden
.user_frame:
    call trap_dispatch
    mov qword [rsp + REGS_ORIG_RAX], -1
    jmp return_to_user

.hidden:
    swapgs
    KERNEL_TABLE rax
    mov ebp, esi
    jmp own_stack_entry.to_task_stack

.hidden_bad_return:
    swapgs
    KERNEL_TABLE rax
    jmp .refused

.from_kernel:
    lea rax, [rel return_iretq]
    cmp [rsp + REGS_RIP], rax
    je .bad_return
.kernel_frame:
    call trap_dispatch
    POP_REGS
    add rsp, 8                  ; orig_rax
    iretq

; IRETQ to ring 3 refused its frame (a selector or address that ring 3 made
; up); GS is already the program's.  The registers are ring 3's: joined with
; the refused frame they are blamed on the program.
.bad_return:
    SWAPGS_OR .hidden_bad_return
.refused:
    mov rsi, [rsp + REGS_RSP]   ; the refused frame
    mov rbx, [gs:kernel_stack_top]
    sub rbx, REGS_SIZE
    mov ecx, 4                  ; the upper words first: it may overlap
.copy_frame:
    mov rax, [rsi + rcx * 8]
    mov [rbx + REGS_RIP + rcx * 8], rax
    dec ecx
    jns .copy_frame
    mov ecx, REGS_RIP / 8 - 1
.copy_registers:
    mov rax, [rsp + rcx * 8]
    mov [rbx + rcx * 8], rax
    dec ecx
    jns .copy_registers
    mov rsp, rbx
    or byte [rsp + REGS_CS], 3  ; it was meant for ring 3
    mov esi, 13                 ; #GP
    mov rdi, rsp
    jmp .user_frame

; Like common_entry, for the vectors with stacks of their own.
    align 16
own_stack_entry:
    PUSH_REGS_BUT_RDI
    mov ebp, edi
    cld
    CLAC_IF_SMAP
    test byte [rsp + REGS_CS], 3
    jnz .from_user
    NOTHING_OR .which_table
.on_kernel_table:
    mov ecx, MSR_GS_BASE
    rdmsr
    mov ebx, eax
    mov r12d, edx
    mov eax, [rsp + REGS_SIZE]  ; this CPU's, left at the stack's top
    mov edx, [rsp + REGS_SIZE + 4]
    wrmsr
    mov rdi, rsp
    mov esi, ebp
    call trap_dispatch
    mov ecx, MSR_GS_BASE
    mov eax, ebx
    mov edx, r12d
    wrmsr
    NOTHING_OR .table_as_found
.return:
    POP_REGS
    add rsp, 8
    iretq

.which_table:
    mov r13, cr3                ; stays until .table_as_found
    test r13d, CR3_USER_TABLE
    jz .on_kernel_table
    KERNEL_TABLE rax
    jmp .on_kernel_table

.table_as_found:
    test r13d, CR3_USER_TABLE
    jz .return
    mov cr3, r13
    jmp .return

.hidden:
    swapgs
    KERNEL_TABLE rax
    jmp .in_kernel

.from_user:
    SWAPGS_OR .hidden
.in_kernel:
    cmp ebp, 2
    je .nmi_from_user
.to_task_stack:
    mov rsi, rsp
    mov rsp, [gs:kernel_stack_top]
    sub rsp, REGS_SIZE
    mov rdi, rsp
    mov ecx, REGS_SIZE / 8
    rep movsq
    mov rdi, rsp
    mov esi, ebp
    jmp common_entry.user_frame

.nmi_from_user:
    mov rdi, rsp
    mov esi, ebp
    call trap_dispatch
    POP_REGS
    add rsp, 8
    SWAPGS_OR .nmi_hide
    iretq

.nmi_hide:
    push rdi
    USER_TABLE_RDI
    pop rdi
    swapgs
    iretq

; Ends a ring-3 frame.  New tasks come here by jump.
; In   rsp: struct pt_regs, at the top of current's kernel stack
;      GS: the kernel's; interrupts on or off
    align 16
return_work:
    mov rdi, rsp
    call upcall_user_return
return_to_user:
    cli
    cmp dword [gs:user_work], 0
    jne return_work
    POP_REGS
    add rsp, 8
    SWAPGS_OR hide_and_return
return_iretq:
    iretq

; With pti=on: the frame goes to the entry stack, which ring 3's table shows.
hide_and_return:
    mov [gs:syscall_rsp], rdi
    mov rdi, rsp
    mov rsp, [gs:entry_stack_top]
    push qword [rdi + 32]       ; SS
    push qword [rdi + 24]       ; RSP
    push qword [rdi + 16]       ; RFLAGS
    push qword [rdi + 8]        ; CS
    push qword [rdi]            ; RIP
    push qword [gs:syscall_rsp]
    USER_TABLE_RDI
    pop rdi
    swapgs
    jmp return_iretq
