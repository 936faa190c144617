/*
 * mm/maps.c - /proc/PID/maps, smaps and smaps_rollup, in Linux's format to
 * the column.
 *
 * The printer must not touch user memory: mmap_lock is held for reading.
 */
#include <kernel/lib/format.h>
#include <kernel/lib/printer.h>
#include <kernel/lib/string.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/slab.h>

#define NAME_COLUMN 73u /* where the name starts */
#define PATH_BUFFER PAGE_SIZE

/* What stands in the last column, NULL for nothing.  buf: PATH_BUFFER. */
static const char *vma_name(const struct vm_area_struct *vma, char *buf)
{
    const struct mm_struct *mm = vma->vm_mm;

    if (vma->vm_ops && vma->vm_ops->name)
        return vma->vm_ops->name((struct vm_area_struct *)vma);
    if (vma->vm_file)
        return mm_file_ops->path(vma->vm_file, buf, PATH_BUFFER);
    if (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk &&
        mm->start_brk < mm->brk)
        return "[heap]";
    if (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack)
        return "[stack]";
    return NULL;
}

/* A newline in a path would fake a line. */
static void print_path(struct printer *out, const char *path)
{
    const char *end = strchr(path, '\n');

    for (; end; path = end + 1, end = strchr(path, '\n')) {
        printer_write(out, path, end - path);
        printer_puts(out, "\\012");
    }
    printer_puts(out, path);
}

/* Offset, device, inode: how many columns. */
static unsigned int print_object(const struct vm_area_struct *vma,
                                 struct printer *out)
{
    static const char nothing[] = "00000000 00:00 0 ";
    unsigned int width = 4; /* what stands between the numbers */
    u64 dev, ino;

    if (!vma->vm_file) {
        printer_write(out, nothing, sizeof(nothing) - 1);
        return sizeof(nothing) - 1;
    }
    mm_file_ops->ids(vma->vm_file, &dev, &ino);
    width += printer_number(out, vma->vm_pgoff << PAGE_SHIFT, 16, 8, '0');
    printer_putc(out, ' ');
    width += printer_number(out, dev >> 8 & 0xfff, 16, 2, '0');
    printer_putc(out, ':');
    width +=
        printer_number(out, (dev & 0xff) | (dev >> 12 & 0xfff00), 16, 2, '0');
    printer_putc(out, ' ');
    width += printer_number(out, ino, 10, 0, ' ');
    printer_putc(out, ' ');
    return width;
}

static void print_header(const struct vm_area_struct *vma, struct printer *out,
                         char *buf)
{
    unsigned long flags = vma->vm_flags;
    char perms[] = " ---p ";
    unsigned int width;
    const char *name;

    if (flags & VM_READ)
        perms[1] = 'r';
    if (flags & VM_WRITE)
        perms[2] = 'w';
    if (flags & VM_EXEC)
        perms[3] = 'x';
    if (flags & VM_MAYSHARE)
        perms[4] = 's';
    width = printer_number(out, vma->vm_start, 16, 8, '0');
    printer_putc(out, '-');
    width += printer_number(out, vma->vm_end, 16, 8, '0');
    printer_write(out, perms, sizeof(perms) - 1);
    width += 1 + sizeof(perms) - 1 + print_object(vma, out);
    name = vma_name(vma, buf);
    if (name) {
        printer_fill(out, ' ', NAME_COLUMN - min(width, NAME_COLUMN));
        print_path(out, name);
    }
    printer_putc(out, '\n');
}

void vma_print_maps(struct mm_struct *mm, struct printer *out)
{
    const struct vm_area_struct *vma;
    char *buf = kmalloc(PATH_BUFFER, GFP_KERNEL);

    if (!buf)
        return;
    down_read(&mm->mmap_lock);
    for (vma = mm->first; vma; vma = vma->vm_next)
        print_header(vma, out, buf);
    up_read(&mm->mmap_lock);
    kfree(buf);
}

/* ---- smaps ---- */

struct page_sums { /* bytes; pss in 1/4096 of one */
    u64 rss, pss, pss_dirty, shared_clean, shared_dirty;
    u64 private_clean, private_dirty, referenced, anonymous;
    u64 huge;
    u64 pss_anon, pss_file, locked; /* parts of pss */
};
#define PSS_SHIFT 12

static void sum_page(const struct vm_area_struct *vma, struct page_sums *sums,
                     pte_t pte)
{
    struct page *page = pte_page(pte);
    u64 share;
    bool dirty;
    int maps;

    if (!page)
        return;
    maps = max(page_mapcount(page), 1);
    dirty = pte_dirty(pte) || page_test(page, PG_dirty);
    share = (PAGE_SIZE << PSS_SHIFT) / maps;
    sums->rss += PAGE_SIZE;
    sums->pss += share;
    if (dirty)
        sums->pss_dirty += share;
    if (maps > 1)
        *(dirty ? &sums->shared_dirty : &sums->shared_clean) += PAGE_SIZE;
    else
        *(dirty ? &sums->private_dirty : &sums->private_clean) += PAGE_SIZE;
    if (pte_young(pte))
        sums->referenced += PAGE_SIZE;
    if (page_is_anon(page)) {
        sums->anonymous += PAGE_SIZE;
        sums->pss_anon += share;
    } else if (vma->vm_file) {
        sums->pss_file += share;
    }
}

static void sum_huge(struct page_sums *sums, pte_t pte)
{
    int maps = max(page_mapcount(pfn_to_page(pte_pfn(pte))), 1);

    sums->rss += HUGE_SIZE;
    sums->pss += (HUGE_SIZE << PSS_SHIFT) / maps;
    sums->pss_anon += (HUGE_SIZE << PSS_SHIFT) / maps;
    sums->pss_dirty += (HUGE_SIZE << PSS_SHIFT) / maps;
    *(maps > 1 ? &sums->shared_dirty : &sums->private_dirty) += HUGE_SIZE;
    sums->referenced += HUGE_SIZE;
    sums->anonymous += HUGE_SIZE;
    sums->huge += HUGE_SIZE;
}

static void sum_vma(const struct vm_area_struct *vma, struct page_sums *sums)
{
    spinlock_t *lock = &vma->vm_mm->page_table_lock;
    u64 before = sums->pss;
    struct pt_cursor c;

    spin_lock(lock);
    for (pt_start(&c, vma->vm_mm->root, vma->vm_start, vma->vm_end); c.slot;
         pt_next(&c))
        if (pt_at_huge(&c))
            sum_huge(sums, *c.slot);
        else if (!c.level)
            sum_page(vma, sums, *c.slot);
    spin_unlock(lock);
    if (vma->vm_flags & VM_LOCKED)
        sums->locked += sums->pss - before;
}

static void print_kb(struct printer *out, const char *label, u64 bytes)
{
    printer_row_kib(out, label, bytes >> 10);
}

static void print_size(const struct vm_area_struct *vma, struct printer *out)
{
    print_kb(out, "Size:           ", vma->vm_end - vma->vm_start);
    print_kb(out, "KernelPageSize: ", PAGE_SIZE);
    print_kb(out, "MMUPageSize:    ", PAGE_SIZE);
}

static void print_pss(struct printer *out, const char *label, u64 pss)
{
    print_kb(out, label, pss >> PSS_SHIFT);
}

static void print_sums(struct printer *out, const struct page_sums *sums,
                       bool parts)
{
    print_kb(out, "Rss:            ", sums->rss);
    print_pss(out, "Pss:            ", sums->pss);
    print_pss(out, "Pss_Dirty:      ", sums->pss_dirty);
    if (parts) {
        print_pss(out, "Pss_Anon:       ", sums->pss_anon);
        print_pss(out, "Pss_File:       ", sums->pss_file);
        print_pss(out, "Pss_Shmem:      ",
                  sums->pss - sums->pss_anon - sums->pss_file);
    }
    print_kb(out, "Shared_Clean:   ", sums->shared_clean);
    print_kb(out, "Shared_Dirty:   ", sums->shared_dirty);
    print_kb(out, "Private_Clean:  ", sums->private_clean);
    print_kb(out, "Private_Dirty:  ", sums->private_dirty);
    print_kb(out, "Referenced:     ", sums->referenced);
    print_kb(out, "Anonymous:      ", sums->anonymous);
    print_kb(out, "LazyFree:       ", 0);
    print_kb(out, "AnonHugePages:  ", sums->huge);
    print_kb(out, "ShmemPmdMapped: ", 0);
    print_kb(out, "FilePmdMapped:  ", 0);
    print_kb(out, "Shared_Hugetlb: ", 0);
    print_kb(out, "Private_Hugetlb:", 0);
    print_kb(out, "Swap:           ", 0);
    print_kb(out, "SwapPss:        ", 0);
    print_pss(out, "Locked:         ", sums->locked);
}

static void print_flags(const struct vm_area_struct *vma, struct printer *out)
{
    static const struct {
        unsigned long flag;
        char name[4];
    } names[] = {
        {VM_READ, "rd "},       {VM_WRITE, "wr "},       {VM_EXEC, "ex "},
        {VM_SHARED, "sh "},     {VM_MAYREAD, "mr "},     {VM_MAYWRITE, "mw "},
        {VM_MAYEXEC, "me "},    {VM_MAYSHARE, "ms "},    {VM_GROWSDOWN, "gd "},
        {VM_PFNMAP, "pf "},     {VM_LOCKED, "lo "},      {VM_IO, "io "},
        {VM_SEQ_READ, "sr "},   {VM_RAND_READ, "rr "},   {VM_DONTCOPY, "dc "},
        {VM_DONTEXPAND, "de "}, {VM_LOCKONFAULT, "lf "}, {VM_ACCOUNT, "ac "},
        {VM_NORESERVE, "nr "},  {VM_WIPEONFORK, "wf "},  {VM_DONTDUMP, "dd "},
        {VM_MIXEDMAP, "mm "},   {VM_HUGEPAGE, "hg "},    {VM_NOHUGEPAGE, "nh "},
        {VM_MERGEABLE, "mg "},
    };

    printer_puts(out, "VmFlags: ");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (vma->vm_flags & names[i].flag)
            printer_write(out, names[i].name, 3);
    printer_puts(out, "\n");
}

void vma_print_smaps(struct mm_struct *mm, struct printer *out)
{
    const struct vm_area_struct *vma;
    char *buf = kmalloc(PATH_BUFFER, GFP_KERNEL);

    if (!buf)
        return;
    down_read(&mm->mmap_lock);
    for (vma = mm->first; vma; vma = vma->vm_next) {
        struct page_sums sums = {0};

        print_header(vma, out, buf);
        sum_vma(vma, &sums);
        print_size(vma, out);
        print_sums(out, &sums, false);
        printer_printf(out, "THPeligible:    %d\n", 0);
        print_flags(vma, out);
    }
    up_read(&mm->mmap_lock);
    kfree(buf);
}

void vma_print_smaps_rollup(struct mm_struct *mm, struct printer *out)
{
    static const char nothing[] = " ---p 00000000 00:00 0 ";
    const struct vm_area_struct *vma;
    unsigned long start = 0, end = 0;
    struct page_sums sums = {0};
    unsigned int width;

    down_read(&mm->mmap_lock);
    if (mm->first)
        start = mm->first->vm_start;
    for (vma = mm->first; vma; vma = vma->vm_next) {
        sum_vma(vma, &sums);
        end = vma->vm_end;
    }
    up_read(&mm->mmap_lock);
    width = printer_number(out, start, 16, 8, '0');
    printer_putc(out, '-');
    width += 1 + printer_number(out, end, 16, 8, '0') + sizeof(nothing) - 1;
    printer_write(out, nothing, sizeof(nothing) - 1);
    printer_fill(out, ' ', NAME_COLUMN - min(width, NAME_COLUMN));
    printer_puts(out, "[rollup]\n");
    print_sums(out, &sums, true);
}
