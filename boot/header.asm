; boot/header.asm - what a loader looks for in the image.
;
; multiboot2  Multiboot2 Specification 2.0, 3.1: within the first 32 KiB of
;             the file, 8-byte aligned.  GRUB enters at ELF's e_entry in
;             32-bit protected mode, under UEFI too.
; PVH         an ELF note of Xen's with the physical address of the 32-bit
;             entry; QEMU's -kernel uses it.

%include "offsets.inc"

MB2_MAGIC           equ 0xe85250d6
MB2_ARCH_I386       equ 0               ; 32-bit protected mode
MB2_OPTIONAL        equ 1               ; tag flag: go on if it cannot be had
MB2_TAG_END         equ 0
MB2_TAG_CONSOLE     equ 4
MB2_TAG_ALIGN       equ 6
CONSOLE_TEXT        equ 2               ; we can do with VGA text

XEN_PHYS32_ENTRY    equ 18            ; note type

extern boot_entry_pvh

section .boot.header progbits alloc noexec nowrite align=8
header:
    dd MB2_MAGIC, MB2_ARCH_I386, header.end - header
    dd 0x100000000 - (MB2_MAGIC + MB2_ARCH_I386 + (header.end - header))

    align 8, db 0
    dw MB2_TAG_CONSOLE, MB2_OPTIONAL ; a framebuffer tag beside it would make
                                    ; GRUB leave text mode, gfxpayload or not
    dd 12, CONSOLE_TEXT

    align 8, db 0                   ; modules start on a page of their own
    dw MB2_TAG_ALIGN, MB2_OPTIONAL
    dd 8

    align 8, db 0
    dw MB2_TAG_END, 0
    dd 8
.end:

section .note.Xen progbits alloc noexec nowrite align=4
note:
    dd .desc - .name, .end - .desc, XEN_PHYS32_ENTRY
.name:
    db "Xen", 0
.desc:
    dq boot_entry_pvh + KERNEL_TO_PHYS
.end:
