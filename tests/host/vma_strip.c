/*
 * tests/host/vma_strip.c - the calls on a map in pages, and its strip.
 */
#include "vma_strip.h"
#include <ctype.h>
#include <mm/anon_vma.h>

struct mm_struct mm;
struct file *const the_file = (struct file *)0x1000;

static void count_open(struct vm_area_struct *vma)
{
    shim_opens++;
}

static void count_close(struct vm_area_struct *vma)
{
    shim_closes++;
}

static const struct vm_operations_struct file_vm_ops;
static const struct vm_operations_struct driver_vm_ops = {
    .open = count_open,
    .close = count_close,
};

static int file_mmap(struct file *file, struct vm_area_struct *vma)
{
    vma->vm_ops = &file_vm_ops;
    return 0;
}

static int driver_mmap(struct file *file, struct vm_area_struct *vma)
{
    vma->vm_ops = &driver_vm_ops;
    shim_opens++; /* the mapping itself, so that opens and closes balance */
    return 0;
}

static int prot_of(char kind)
{
    switch (tolower(kind)) {
    case 'b':
        return PROT_READ;
    case 'c':
        return PROT_NONE;
    case 'x':
        return PROT_READ | PROT_EXEC;
    default:
        return PROT_READ | PROT_WRITE;
    }
}

long map(int page, int n, char kind)
{
    struct mmap_request req = {
        .addr = AT(page),
        .len = n * PAGE_SIZE,
        .prot = prot_of(kind),
        .flags = MAP_FIXED | (kind == 's' ? MAP_SHARED : MAP_PRIVATE),
        .vm_flags_may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
    };

    if (strchr("fsd", kind)) {
        req.file = the_file;
        req.pgoff = page;
        req.mmap = kind == 'd' ? driver_mmap : file_mmap;
    } else {
        req.flags |= MAP_ANONYMOUS;
    }
    return do_mmap(&mm, &req);
}

void touch(int page)
{
    assert_int_equal(anon_vma_prepare(find_vma(&mm, AT(page))), 0);
}

long unmap(int page, int n)
{
    return do_munmap(&mm, AT(page), n * PAGE_SIZE);
}

long protect(int page, int n, char kind)
{
    return do_mprotect(&mm, AT(page), n * PAGE_SIZE, prot_of(kind));
}

long resize(int page, int n, int new_n)
{
    return do_mremap(&mm, AT(page), n * PAGE_SIZE, new_n * PAGE_SIZE, 0, 0);
}

long move(int page, int n, int new_n, int to)
{
    return do_mremap(&mm, AT(page), n * PAGE_SIZE, new_n * PAGE_SIZE,
                     MREMAP_MAYMOVE | MREMAP_FIXED, AT(to));
}

long lock(int page, int n)
{
    return do_mlock(&mm, AT(page), n * PAGE_SIZE, VM_LOCKED, true);
}

static char kind_of_untouched(const struct vm_area_struct *vma)
{
    if (vma->vm_flags & VM_LOCKED)
        return 'L';
    if (vma->vm_ops == &driver_vm_ops)
        return 'd';
    if (vma->vm_file)
        return vma->vm_flags & VM_SHARED ? 's' : 'f';
    if (vma->vm_flags & VM_EXEC)
        return 'x';
    if (vma->vm_flags & VM_WRITE)
        return 'a';
    return vma->vm_flags & VM_READ ? 'b' : 'c';
}

char kind_of(const struct vm_area_struct *vma)
{
    char kind = kind_of_untouched(vma);

    return vma->anon_vma ? toupper(kind) : kind;
}

void draw(char *strip)
{
    const struct vm_area_struct *vma = mm.first;
    char *start = strip, last = 0;

    for (int page = 0; page < PAGES; page++) {
        if (vma && vma->vm_start == AT(page) && vma->vm_prev &&
            vma->vm_prev->vm_end == vma->vm_start && last == kind_of(vma))
            *strip++ = '|';
        last = vma && vma->vm_start <= AT(page) ? kind_of(vma) : '.';
        *strip++ = last;
        if (vma && vma->vm_end == AT(page + 1))
            vma = vma->vm_next;
    }
    while (strip > start && strip[-1] == '.')
        strip--;
    *strip = 0;
}

void clear(void)
{
    assert_int_equal(do_munmap(&mm, 0x10000, TASK_SIZE - 0x10000), 0);
    assert_null(mm.first);
    assert_int_equal(shim_vmas, 0);
    assert_int_equal(shim_file_refs, 0);
    assert_int_equal(shim_opens, shim_closes);
    assert_int_equal(mm.total_vm, 0);
    assert_int_equal(mm.data_vm, 0);
    assert_int_equal(mm.committed, 0);
    assert_int_equal(mm.locked_vm, 0);
}

void set_up(const char *strip)
{
    int page = 0;

    while (*strip) {
        int n = 1;

        while (strip[n] == *strip)
            n++;
        if (*strip == '|') {
            strip++;
            continue;
        }
        if (*strip != '.')
            assert_int_equal(map(page, n, tolower(*strip)), AT(page));
        if (isupper(*strip))
            touch(page);
        page += n;
        strip += n;
    }
}

void check_tree(void)
{
    const char *why;

    if (!vma_tree_check(&mm, &why))
        fail_msg("tree: %s", why);
}
