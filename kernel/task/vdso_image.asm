; kernel/task/vdso_image.asm - the linked vDSO, on a page of its own, because
; ring 3 is shown the whole page.  The Makefile makes gen/vdso.so.

section .rodata.vdso progbits alloc noexec nowrite align=4096

global vdso_image
vdso_image:
    incbin "gen/vdso.so"
%if ($ - vdso_image) > 4096
    %error "the vDSO is larger than a page"
%endif
    align 4096, db 0
