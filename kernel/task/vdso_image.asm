; kernel/task/vdso_image.asm - the vDSO's bytes, until vdso_init() copies them.

section .init.data

global vdso_image
global vdso_image_end

align 8
vdso_image:
    incbin "vdso.so"
vdso_image_end:
