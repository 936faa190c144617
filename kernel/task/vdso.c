/*
 * kernel/task/vdso.c - the vDSO's place in a program: two pages, the kernel's
 * clock page and behind it the shared object, readable and executable.
 *
 * Both are pages of the kernel image, shown by frame number on the first
 * touch; a program that never asks for the time pays for one area only.
 * vdso=0 on the command line leaves it out, as on Linux.
 */
#include <kernel/task/vdso.h>

#include <kernel/core/clockpage.h>
#include <kernel/core/cmdline.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/vma.h>

#define VDSO_PAGES 2

extern const u8 vdso_image[]; /* vdso_image.asm */

static bool vdso_off; /* (c) */

static vm_fault_t vdso_fault(struct vm_fault *vmf)
{
    unsigned long index = (vmf->address - vmf->vma->vm_start) >> PAGE_SHIFT;
    const void *page = index ? (const void *)vdso_image : &clock_page;

    return vmf_insert_pfn(vmf->vma, vmf->address, PFN_DOWN(__pa_symbol(page)));
}

static const char *vdso_name(struct vm_area_struct *vma)
{
    (void)vma;
    return "[vdso]";
}

/* Its two pages belong together. */
static int vdso_may_split(struct vm_area_struct *vma, unsigned long addr)
{
    (void)vma;
    (void)addr;
    return -EINVAL;
}

static const struct vm_operations_struct vdso_ops = {
    .fault = vdso_fault,
    .may_split = vdso_may_split,
    .name = vdso_name,
};

unsigned long vdso_install(struct mm_struct *mm)
{
    long addr;

    if (vdso_off)
        return 0;
    addr = mm_install_special(mm, 0, VDSO_PAGES * PAGE_SIZE,
                              VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC |
                                  VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP,
                              &vdso_ops, NULL);
    return addr < 0 ? 0 : addr + PAGE_SIZE;
}

void vdso_init(void)
{
    const char *value = cmdline_get("vdso");

    vdso_off = value && !strcmp(value, "0");
}
