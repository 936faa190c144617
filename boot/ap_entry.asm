; boot/ap_entry.asm - from a CPU's first instruction to C, for all but the
; first CPU.
;
; A start-up IPI with vector V lets a CPU begin at V << 12 in real mode: CS is
; V << 8, and an address is CS << 4 plus an offset.  The code between ap_start
; and ap_end is copied to such a page below 1 MiB, which the page table of the
; first moments maps at its own address.  What stands behind ap_parameters is
; struct ap_parameters (kernel/x86/smp.h), filled in before each start.

%include "offsets.inc"

MSR_EFER     equ 0xc0000080
EFER_LME_NXE equ 1 << 8 | 1 << 11
CR0_PE       equ 1
CR0_VALUE    equ 0x80050033         ; PG AM WP NE ET MP PE

CODE32 equ 0x08
CODE64 equ 0x10
DATA   equ 0x18

%define HERE(label) (AP_TRAMPOLINE + (label - ap_start))

global ap_start, ap_end, ap_parameters

section .init.data progbits alloc write noexec align=16
bits 16
ap_start:
    cli
    cld
    mov ax, cs
    mov ds, ax
    mov [ap_parameters - ap_start + AP_REAL_CS], ax
    o32 lgdt [gdt_pointer - ap_start]
    mov eax, CR0_PE
    mov cr0, eax
    jmp dword CODE32:HERE(.protected)

bits 32
.protected:
    mov eax, DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov eax, [HERE(ap_parameters) + AP_CR4]
    mov cr4, eax
    mov eax, [HERE(ap_parameters) + AP_BOOT_ROOT]
    mov cr3, eax
    mov ecx, MSR_EFER
    mov eax, EFER_LME_NXE
    xor edx, edx
    wrmsr
    mov eax, CR0_VALUE
    mov cr0, eax
    jmp CODE64:HERE(.long)

bits 64
.long:
    mov rsp, [abs HERE(ap_parameters) + AP_STACK]
    mov rdi, [abs HERE(ap_parameters) + AP_ARGUMENT]
    mov rax, [abs HERE(ap_parameters) + AP_KERNEL_ROOT]
    mov rdx, [abs HERE(ap_parameters) + AP_ENTRY]
    jmp rdx                         ; rdi: argument, rax: root to load

    align 8
gdt:
    dq 0
    dq 0x00cf9b000000ffff           ; 0x08 32-bit code
    dq 0x00af9b000000ffff           ; 0x10 64-bit code
    dq 0x00cf93000000ffff           ; 0x18 data
.end:
gdt_pointer:
    dw gdt.end - gdt - 1
    dd HERE(gdt)

    align 8
ap_parameters:
    times AP_PARAMETERS_SIZE db 0
ap_end:

; Leaves the page below 1 MiB behind: from here on only the kernel's half.
; In   rdi: argument   rax: physical address of the kernel's root table
extern ap_main
global ap_high
section .text
    align 16
ap_high:
    mov cr3, rax
    xor ebp, ebp
    call ap_main
