/*
 * kernel/task/vdso.c - [vvar] and [vdso] in each program.
 *
 *     hint             [vvar]  r--  the clock's page, one for all (vdso_data.h)
 *     hint + a page    [vdso]  r-x  the object of kernel/task/vdso/, one page
 *
 * Both pages are shared by everybody.  As on Linux a debugger that writes into
 * [vdso] gets a copy, and nobody can write into [vvar].
 * Cost       two VMAs for each execve; the pages come by faults.
 */
#include <kernel/task/vdso.h>

#include <kernel/core/cmdline.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/core/vdso_data.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include <mm/vma.h>

extern const char vdso_image[], vdso_image_end[]; /* vdso_image.asm */

static struct page *code; /* (c) NULL: no vDSO */
static struct page *data; /* (c) */

static vm_fault_t vdso_fault(struct vm_fault *vmf)
{
    get_page(code);
    vmf->page = code;
    return 0;
}

static const char *vdso_name(struct vm_area_struct *vma)
{
    return "[vdso]";
}

static vm_fault_t vvar_fault(struct vm_fault *vmf)
{
    return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(data));
}

static const char *vvar_name(struct vm_area_struct *vma)
{
    return "[vvar]";
}

static const struct vm_operations_struct vdso_ops = {.fault = vdso_fault,
                                                     .name = vdso_name};
static const struct vm_operations_struct vvar_ops = {.fault = vvar_fault,
                                                     .name = vvar_name};

static const struct special_part parts[] = {
    {VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_PFNMAP, &vvar_ops},
    {VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, &vdso_ops},
};
_Static_assert(VDSO_SPAN == ARRAY_SIZE(parts) * PAGE_SIZE, "a page each");

void vdso_init(void)
{
    size_t size = vdso_image_end - vdso_image;

    if (cmdline_is("vdso", "0", "1"))
        return;
    if (size > PAGE_SIZE) {
        pr_err("vDSO: larger than its page\n");
        return;
    }
    data = alloc_page(GFP_KERNEL | __GFP_ZERO);
    code = data ? alloc_page(GFP_KERNEL | __GFP_ZERO) : NULL;
    if (!code) {
        __free_page(data);
        return;
    }
    memcpy(page_address(code), vdso_image, size);
    clock_share(page_address(data));
}

int vdso_map(struct mm_struct *mm, u64 hint, u64 *ehdr)
{
    long addr;

    *ehdr = 0;
    if (!code)
        return 0;
    addr = mm_install_special(mm, hint, parts, ARRAY_SIZE(parts));
    if (addr < 0)
        return addr;
    *ehdr = addr + PAGE_SIZE;
    return 0;
}
