; boot/entry.asm - from the loader's 32-bit protected mode to kmain.
;
; Entered with paging off, interrupts off, flat segments, and nothing else to
; rely on: after UEFI the control registers are not zero.  What is checked
; before long mode is relied on fails with a sentence on the serial port and
; on the text screen, where there is one; then the machine stops.
;
; Where    at the very start of the image, because QEMU's -kernel puts a large
;          initramfs over the image's end when there is little RAM: what
;          notices and says so must not be what is overwritten.
; Tables   an identity map of the first 4 GiB in 2-MiB pages; its first GiB
;          again at KERNEL_BASE.  Freed with the rest of .init.
; Notes    boot_trace (boot/trace.h) at each stage, boot_entry_tsc.

%include "offsets.inc"

MB2_LOADER_MAGIC equ 0x36d76289     ; in eax
PVH_START_MAGIC  equ 0x336ec578     ; at [ebx]
PVH_MODULES      equ 12             ; offset of nr_modules, modlist_paddr
PVH_MODLIST      equ 16
PVH_CMDLINE      equ 24             ; of cmdline_paddr
PVH_MEMMAP       equ 40             ; of memmap_paddr, memmap_entries
PVH_MEMMAP_ENTRIES equ 48
PVH_MEMMAP_SIZE  equ 24             ; of one: address, size, type
ROOM_NEEDED      equ 384 << 10      ; bytes behind the image; with less the
                                    ; firmware has written over its end
MB2_TAGS         equ 8              ; offset of the first tag
MB2_TAG_CMDLINE  equ 1

CR0_VALUE        equ 0x80050033     ; PG AM WP NE ET MP PE
CR0_NO_PAGING    equ 0x00050033
CR4_PAE          equ 1 << 5
CR4_LA57         equ 1 << 12
MSR_EFER         equ 0xc0000080
MSR_FS_BASE      equ 0xc0000100
MSR_GS_BASE      equ 0xc0000101
MSR_KERNEL_GS    equ 0xc0000102
EFER_LME_NXE     equ 1 << 8 | 1 << 11
EFLAGS_ID        equ 1 << 21        ; can be changed: there is CPUID
CPUID_TSC        equ 1 << 4         ; leaf 1, edx
CPUID_NX         equ 1 << 20        ; leaf 0x80000001, edx
CPUID_LM         equ 1 << 29
CPUID_LA57       equ 1 << 16        ; leaf 7, ecx

PTE_TABLE        equ 0x3            ; present, writable
PTE_PAGE_2M      equ 0x83

UART             equ 0x3f8
VGA_TEXT         equ 0xb8000
BDA_VIDEO_MODE   equ 0x449          ; 2, 3: 80x25 colour text
BDA_CRTC_PORT    equ 0x463
DEBUG_EXIT       equ 0xf4           ; QEMU's isa-debug-exit
DEBUG_EXIT_PANIC equ 0x12

%define PHYS(symbol) (symbol + KERNEL_TO_PHYS)

extern kmain, boot_trace, boot_entry_tsc, __kernel_start, __kernel_end
global boot_entry_multiboot2, boot_entry_pvh, boot_stack, boot_stack_end

; The boot CPU's stack.  The page under it is read-only (linker.ld).
section .boot.stack nobits alloc write noexec align=4096
boot_stack:
    resb 16384
boot_stack_end:

section .init.bss nobits alloc write noexec align=4096
table_5:        resb 4096           ; used with 5 levels only
table_4:        resb 4096
table_3_low:    resb 4096
table_3_high:   resb 4096
table_2:        resb 4 * 4096       ; 4 GiB

section .boot.data progbits alloc noexec nowrite align=8
gdt:
    dq 0
    dq 0x00cf9b000000ffff           ; 0x08 32-bit code
    dq 0x00af9b000000ffff           ; 0x10 64-bit code
    dq 0x00cf93000000ffff           ; 0x18 data
.end:
CODE32 equ 0x08
CODE64 equ 0x10
DATA   equ 0x18

gdt_pointer_32:
    dw gdt.end - gdt - 1
    dd PHYS(gdt)
gdt_pointer_64:
    dw gdt.end - gdt - 1
    dq gdt

word_no5lvl:    db "no5lvl", 0
msg_prefix:     db 13, 10, "Pagewalk cannot start: ", 0
msg_mb2:        db "not entered by a multiboot2 loader (wrong magic number).", 0
msg_pvh:        db "the PVH start information is not there (wrong magic number).", 0
msg_cpuid:      db "this CPU has no CPUID instruction; a 64-bit CPU is needed.", 0
msg_tsc:        db "this CPU has no time stamp counter; a 64-bit CPU is needed.", 0
msg_long:       db "this CPU has no 64-bit (long) mode.", 0
msg_overlap:    db "too little memory: the initramfs lies on top of the kernel.", 0
msg_little:     db "too little memory; 3 MiB are enough.", 0
msg_nx:         db "this CPU cannot forbid execution of data (NX).", 0

; Notes control registers by way of %1 (eax or rax) at stage %3 of the trace
; at %2.  Changes rax, rcx, rdx.
%macro trace_registers 3
%define .stage %2 + TRACE_STAGES + %3 * STAGE_SIZE
    mov %1, cr0
    mov [.stage + STAGE_CR0], %1
    mov %1, cr3
    mov [.stage + STAGE_CR3], %1
    mov %1, cr4
    mov [.stage + STAGE_CR4], %1
    mov ecx, MSR_EFER
    rdmsr
    mov [.stage + STAGE_EFER], eax
%endmacro

; These, and the magic's value, at stage %1.  32-bit code.
%macro trace_32 1
    trace_registers eax, PHYS(boot_trace), %1
    mov dword [.stage + STAGE_ADDRESS], PHYS(boot_trace)
    mov eax, [PHYS(boot_trace)]
    mov [.stage + STAGE_SEEN], eax
%endmacro

section .boot.text progbits alloc exec nowrite align=16
bits 32

; In   eax: the loader's magic   ebx: its information
boot_entry_multiboot2:
    cli
    mov esi, msg_mb2 + KERNEL_TO_PHYS
    cmp eax, MB2_LOADER_MAGIC
    je boot_common
    jmp boot_fail

; In   ebx: struct hvm_start_info
boot_entry_pvh:
    cli
    mov esi, PHYS(msg_pvh)
    mov eax, PVH_START_MAGIC
    cmp [ebx], eax
    jne boot_fail
    mov esi, PHYS(msg_overlap)
    cmp dword [ebx + PVH_MODULES], 0
    je .room
    mov ecx, [ebx + PVH_MODLIST]
    mov edx, [ecx]                  ; start of the initramfs
    cmp edx, PHYS(__kernel_end)
    jae .room
    add edx, [ecx + 8]              ; its end
    cmp edx, PHYS(__kernel_start)
    ja boot_fail
.room:                              ; the RAM that holds the kernel is enough?
    mov esi, PHYS(msg_little)
    mov ecx, [ebx + PVH_MEMMAP_ENTRIES]
    mov edi, [ebx + PVH_MEMMAP]
.range:
    jecxz boot_common               ; no such range: said later
    cmp dword [edi], PHYS(__kernel_start)
    ja .next
    mov edx, [edi]
    add edx, [edi + 8]
    jc boot_common                  ; up to 4 GiB and beyond
    cmp dword [edi + 12], 0
    jne boot_common
    cmp edx, PHYS(__kernel_start)
    jbe .next
    cmp edx, PHYS(__kernel_end) + ROOM_NEEDED
    jb boot_fail
    jmp boot_common
.next:
    add edi, PVH_MEMMAP_SIZE
    dec ecx
    jmp .range

; In   eax: which protocol (its magic)   ebx: the loader's structure
; Keeps ebp: eax as it came   ebx   edi, [boot_entry_tsc]: the time
boot_common:
    cld
    mov ebp, eax
    mov esp, PHYS(boot_stack_end)

    mov esi, PHYS(msg_cpuid)
    pushfd                          ; is there CPUID?
    pop eax
    mov ecx, eax
    xor eax, EFLAGS_ID
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    test eax, EFLAGS_ID
    jz boot_fail
    push 0
    popfd

    push ebx
    mov esi, PHYS(msg_tsc)
    mov eax, 1
    cpuid
    test edx, CPUID_TSC
    jz boot_fail
    rdtsc
    mov [PHYS(boot_entry_tsc)], eax
    mov [PHYS(boot_entry_tsc) + 4], edx

    mov esi, PHYS(msg_long)
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb boot_fail
    mov eax, 0x80000001
    cpuid
    test edx, CPUID_LM
    jz boot_fail
    mov esi, PHYS(msg_nx)
    test edx, CPUID_NX
    jz boot_fail
    pop ebx

    lgdt [PHYS(gdt_pointer_32)]
    jmp CODE32:PHYS(.own_segments)
.own_segments:
    mov eax, DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    lldt ax

    mov dword [PHYS(boot_trace)], TRACE_MAGIC
    trace_32 0                      ; BOOT_STAGE_ENTRY

    mov eax, CR0_NO_PAGING
    mov cr0, eax
    call fill_tables
    call want_5_levels              ; eax: bits for CR4
    or eax, CR4_PAE
    mov cr4, eax
    mov ecx, PHYS(table_4)
    test eax, CR4_LA57
    jz .root
    mov ecx, PHYS(table_5)
.root:
    mov cr3, ecx
    mov ecx, MSR_EFER
    mov eax, EFER_LME_NXE
    xor edx, edx
    wrmsr
    mov eax, CR0_VALUE
    mov cr0, eax
    jmp .paging
.paging:
    trace_32 1                      ; BOOT_STAGE_COMPAT
    jmp CODE64:PHYS(boot_long)

; Identity map of 4 GiB; KERNEL_BASE is slot 511 of the top table (and of the
; one above it), slot 510 of the next.  Changes eax, ecx, edi.
fill_tables:
    mov edi, PHYS(table_2)
    mov eax, PTE_PAGE_2M
    mov ecx, 2048
.page:
    mov [edi], eax
    add edi, 8
    add eax, 2 << 20
    loop .page

    mov eax, PHYS(table_2) + PTE_TABLE
    mov [PHYS(table_3_high) + 510 * 8], eax
    mov edi, PHYS(table_3_low)
    mov ecx, 4
.gib:
    mov [edi], eax
    add edi, 8
    add eax, 4096
    loop .gib

    mov dword [PHYS(table_4)], PHYS(table_3_low) + PTE_TABLE
    mov dword [PHYS(table_4) + 511 * 8], PHYS(table_3_high) + PTE_TABLE
    mov dword [PHYS(table_5)], PHYS(table_4) + PTE_TABLE
    mov dword [PHYS(table_5) + 511 * 8], PHYS(table_4) + PTE_TABLE
    ret

; In   ebx, ebp: as in boot_common
; Out  eax: CR4_LA57 if the CPU has it and the command line lets it, else 0
want_5_levels:
    push ebx
    xor eax, eax
    cpuid
    cmp eax, 7
    mov eax, 7
    mov ecx, 0
    jb .no
    cpuid
    test ecx, CPUID_LA57
    jz .no
    pop ebx
    push ebx
    call find_cmdline
    test esi, esi
    jz .yes
    call has_no5lvl
    test eax, eax
    jnz .no
.yes:
    mov eax, CR4_LA57
    pop ebx
    ret
.no:
    xor eax, eax
    pop ebx
    ret

; In   ebx, ebp: as in boot_common
; Out  esi: the command line's address, 0 if there is none
find_cmdline:
    cmp ebp, PVH_START_MAGIC
    jne .multiboot2
    mov esi, [ebx + PVH_CMDLINE]
    ret
.multiboot2:
    lea esi, [ebx + MB2_TAGS]
.tag:
    mov eax, [esi]
    cmp eax, MB2_TAG_CMDLINE
    je .found
    test eax, eax
    jz .none
    mov eax, [esi + 4]              ; the tag's size; the next is aligned
    lea esi, [esi + eax + 7]
    and esi, -8
    jmp .tag
.found:
    add esi, 8
    ret
.none:
    xor esi, esi
    ret

; In   esi: the command line
; Out  eax: 1 if the word no5lvl stands in it, else 0.  Changes ecx, edx, esi
has_no5lvl:
    mov edx, PHYS(word_no5lvl)
.word:
    xor ecx, ecx
.compare:
    mov al, [esi + ecx]
    cmp al, [edx + ecx]
    jne .differs
    test al, al
    jz .found                       ; both end here
    inc ecx
    jmp .compare
.differs:
    cmp byte [edx + ecx], 0
    jne .skip
    cmp al, ' '
    je .found
.skip:
    mov al, [esi]
    inc esi
    cmp al, ' '
    je .word
    test al, al
    jnz .skip
    xor eax, eax
    ret
.found:
    mov eax, 1
    ret

; In   esi: what is wrong.  Does not return.
boot_fail:
    mov esp, PHYS(boot_stack_end)
    push esi
    call uart_setup
    xor edi, edi                    ; where on the screen, 0: there is none
    cmp word [BDA_CRTC_PORT], 0x3d4
    jne .no_screen
    mov al, [BDA_VIDEO_MODE]
    and al, 0xfe
    cmp al, 2
    jne .no_screen
    mov edi, VGA_TEXT
    mov ecx, 80 * 25
    mov eax, 0x0720
    push edi
    rep stosw
    pop edi
.no_screen:
    mov esi, PHYS(msg_prefix)
    call print
    pop esi
    call print
    mov al, 13
    call uart_put
    mov al, 10
    call uart_put
    mov eax, DEBUG_EXIT_PANIC
    out DEBUG_EXIT, al
.stop:
    cli
    hlt
    jmp .stop

; In   esi: text   edi: screen position or 0.  Changes eax, edx, esi, edi
print:
    lodsb
    test al, al
    jz .end
    call uart_put
    test edi, edi
    jz print
    cmp al, ' '
    jb print
    mov ah, 0x4f                    ; white on red
    stosw
    jmp print
.end:
    ret

; 115200 baud, 8N1.  Changes eax, edx
uart_setup:
    mov edx, UART + 3
    mov al, 0x80                    ; divisor latch
    out dx, al
    mov edx, UART
    mov al, 1
    out dx, al
    inc edx
    xor eax, eax
    out dx, al
    mov edx, UART + 3
    mov al, 3                       ; 8 bits, no parity, one stop bit
    out dx, al
    ret

; In   al: a character.  Gives up on a UART that is never ready.
; Keeps eax.  Changes ecx, edx
uart_put:
    push eax
    mov ecx, 100000
    mov edx, UART + 5
.wait:
    in al, dx
    test al, 0x20                   ; room for one more
    jnz .ready
    loop .wait
.ready:
    pop eax
    mov edx, UART
    out dx, al
    ret

bits 64
default rel

; The same in 64-bit code, reading by the address in rdi.
%macro trace_64 1
    trace_registers rax, rdi, %1
    mov [.stage + STAGE_ADDRESS], rdi
    mov rax, [rdi]
    mov [.stage + STAGE_SEEN], rax
%endmacro

boot_long:
    mov edi, PHYS(boot_trace)
    trace_64 2                      ; BOOT_STAGE_LONG
    mov rax, boot_high
    jmp rax

boot_high:
    mov rdi, boot_trace
    trace_64 3                      ; BOOT_STAGE_HIGH
    lgdt [gdt_pointer_64]
    mov rsp, boot_stack_end
    mov eax, DATA
    mov ss, eax
    mov ds, eax
    mov es, eax

    xor eax, eax
    xor edx, edx
    mov ecx, MSR_FS_BASE
    wrmsr
    mov ecx, MSR_GS_BASE
    wrmsr
    mov ecx, MSR_KERNEL_GS
    wrmsr

    mov edi, ebp                    ; the upper halves of the arguments are 0
    mov esi, ebx
    mov rdx, [boot_entry_tsc]
    xor ebp, ebp                    ; the end of every backtrace
    call kmain
.stop:
    cli
    hlt
    jmp .stop
