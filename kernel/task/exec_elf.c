/*
 * kernel/task/exec_elf.c - ELF files into an address space.
 *
 * Nothing is copied: each segment is a private mapping of the file's pages,
 * shared with the page cache until written.  Memory beyond the file's bytes is
 * anonymous, but for the rest of the last page, which is zeroed once the
 * address space is loaded.
 *
 * Addresses  ET_EXEC where it says.  ET_DYN with an interpreter a random way
 *            above two thirds of the user half, without one where mmap finds
 *            room, interpreters too.  The heap a random way behind the
 *            program.
 */
#include <kernel/task/exec.h>

#include <kernel/core/printk.h>
#include <kernel/fs/fs.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/fcntl.h>
#include <kernel/uapi/mman.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#define PIE_BASE (TASK_SIZE / 3 * 2 & PAGE_MASK)
#define INTERP_MAX 4096 /* bytes of its path, with the NUL */

static u64 file_size(const struct file *file)
{
    return file_inode(file)->size;
}

static int read_exact(struct file *file, void *buf, size_t size, u64 pos)
{
    ssize_t got = kernel_read(file, buf, size, pos);

    if (got < 0)
        return got;
    return got == size ? 0 : -EIO;
}

static int read_phdrs(struct exec_program *program)
{
    size_t size = program->header.e_phnum * sizeof(Elf64_Phdr);

    program->phdrs = kmalloc(size, GFP_KERNEL);
    if (!program->phdrs)
        return -ENOMEM;
    return read_exact(program->file, program->phdrs, size,
                      program->header.e_phoff);
}

/* program->header is already read.  `bad` is the errno for a bad file. */
static int program_check(struct exec_program *program, int bad)
{
    u64 size = file_size(program->file);
    const char *wrong = elf_check_header(&program->header, size);
    int err;

    if (!wrong) {
        err = read_phdrs(program);
        if (err)
            return err == -ENOMEM ? err : bad;
        wrong = elf_check_segments(program->phdrs, program->header.e_phnum,
                                   size, TASK_SIZE);
    }
    if (!wrong)
        return 0;
    if (!memcmp(program->header.e_ident, ELFMAG, SELFMAG))
        pr_info("%s[%d]: a program that cannot be run: %s\n", current->comm,
                current->pid, wrong);
    return bad;
}

static int open_interp(struct exec_image *image, const Elf64_Phdr *ph)
{
    struct exec_program *interp = &image->interp;
    char *path;
    int err;

    if (ph->p_filesz < 2 || ph->p_filesz > INTERP_MAX)
        return -ENOEXEC;
    path = kmalloc(ph->p_filesz, GFP_KERNEL);
    if (!path)
        return -ENOMEM;
    err = read_exact(image->main.file, path, ph->p_filesz, ph->p_offset);
    if (!err && path[ph->p_filesz - 1])
        err = -ENOEXEC;
    if (!err)
        err = filp_open_exec(AT_FDCWD, path, 0, &interp->file);
    kfree(path);
    if (err)
        return err;
    err = read_exact(interp->file, &interp->header, sizeof(interp->header), 0);
    return err ? err : program_check(interp, -ELIBBAD);
}

int exec_elf_read(struct exec_image *image)
{
    struct exec_program *main = &image->main;
    int err;

    memcpy(&main->header, image->head, sizeof(main->header));
    err = program_check(main, -ENOEXEC);
    for (int i = 0; !err && i < main->header.e_phnum; i++) {
        const Elf64_Phdr *ph = &main->phdrs[i];

        if (ph->p_type == PT_INTERP && !image->interp.file)
            err = open_interp(image, ph);
        else if (ph->p_type == PT_GNU_STACK)
            image->exec_stack = ph->p_flags & PF_X;
    }
    return err;
}

void exec_elf_close(struct exec_image *image)
{
    kfree(image->main.phdrs);
    kfree(image->interp.phdrs);
    if (image->main.file)
        fput(image->main.file);
    if (image->interp.file)
        fput(image->interp.file);
}

static int segment_prot(const Elf64_Phdr *ph)
{
    return (ph->p_flags & PF_R ? PROT_READ : 0) |
           (ph->p_flags & PF_W ? PROT_WRITE : 0) |
           (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

static long map_range(struct mm_struct *mm, struct file *file, u64 addr,
                      u64 len, u64 offset, int prot, int flags)
{
    struct mmap_request req = {
        .addr = addr,
        .len = len,
        .prot = prot,
        .flags = flags | MAP_PRIVATE | (file ? 0 : MAP_ANONYMOUS),
        .pgoff = offset >> PAGE_SHIFT,
        .file = file,
        .vm_flags_may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
        .mmap = file ? file->ops->mmap : NULL,
        .privileged = capable(CAP_SYS_RAWIO),
    };

    return do_mmap(mm, &req);
}

static int map_segment(struct mm_struct *mm, struct exec_program *program,
                       const Elf64_Phdr *ph)
{
    u64 start = program->bias + ph->p_vaddr, in_page = start & ~PAGE_MASK;
    u64 file_end = PAGE_ALIGN(start + ph->p_filesz);
    u64 end = PAGE_ALIGN(start + ph->p_memsz);
    int prot = segment_prot(ph);
    long addr;

    if (!ph->p_filesz)
        file_end = start - in_page;
    if (ph->p_filesz) {
        addr = map_range(mm, program->file, start - in_page,
                         file_end - (start - in_page), ph->p_offset - in_page,
                         prot, MAP_FIXED);
        if (addr < 0)
            return addr;
    }
    if (end > file_end) {
        addr =
            map_range(mm, NULL, file_end, end - file_end, 0, prot, MAP_FIXED);
        if (addr < 0)
            return addr;
    }
    return 0;
}

static void program_span(const struct exec_program *program, u64 *lo, u64 *hi)
{
    *lo = ~0ull;
    *hi = 0;
    for (int i = 0; i < program->header.e_phnum; i++) {
        const Elf64_Phdr *ph = &program->phdrs[i];

        if (ph->p_type != PT_LOAD || !ph->p_memsz)
            continue;
        *lo = min(*lo, (u64)ph->p_vaddr & PAGE_MASK);
        *hi = max(*hi, (u64)PAGE_ALIGN(ph->p_vaddr + ph->p_memsz));
    }
}

static int map_program(struct mm_struct *mm, struct exec_program *program,
                       u64 base)
{
    u64 lo, hi;
    int err = 0;

    program_span(program, &lo, &hi);
    if (program->header.e_type == ET_DYN) {
        /* Takes a free range, into which the segments are put. */
        long addr = map_range(mm, NULL, base ? base + lo : 0, hi - lo, 0,
                              PROT_NONE, base ? MAP_FIXED_NOREPLACE : 0);

        if (addr < 0)
            return addr;
        program->bias = addr - lo;
        err = do_munmap(mm, addr, hi - lo);
    }
    for (int i = 0; !err && i < program->header.e_phnum; i++) {
        const Elf64_Phdr *ph = &program->phdrs[i];
        u64 phoff = program->header.e_phoff;

        if (ph->p_type != PT_LOAD || !ph->p_memsz)
            continue;
        err = map_segment(mm, program, ph);
        if (ph->p_offset <= phoff && phoff - ph->p_offset < ph->p_filesz)
            program->phdr_addr =
                program->bias + ph->p_vaddr + phoff - ph->p_offset;
    }
    return err;
}

/* The figures of /proc/PID/stat, and where the heap begins. */
static void note_layout(struct mm_struct *mm, struct exec_program *program,
                        const struct exec_random *random, bool pie_alone)
{
    mm->start_code = ~0ul;
    for (int i = 0; i < program->header.e_phnum; i++) {
        const Elf64_Phdr *ph = &program->phdrs[i];
        u64 start = program->bias + ph->p_vaddr;

        if (ph->p_type != PT_LOAD || !ph->p_memsz)
            continue;
        mm->start_code = min(mm->start_code, start);
        mm->start_data = max(mm->start_data, start);
        if (ph->p_flags & PF_X)
            mm->end_code = max(mm->end_code, start + ph->p_filesz);
        mm->end_data = max(mm->end_data, start + ph->p_filesz);
        mm->brk = max(mm->brk, PAGE_ALIGN(start + ph->p_memsz));
    }
    if (pie_alone)
        mm->brk = PIE_BASE;
    mm->brk += random->brk << PAGE_SHIFT;
    mm->start_brk = mm->brk;
}

int exec_elf_map(struct exec_image *image)
{
    bool alone = !image->interp.file;
    bool pie = image->main.header.e_type == ET_DYN;
    u64 base = PIE_BASE + ((u64)image->random.pie << PAGE_SHIFT);
    int err = map_program(image->mm, &image->main, alone ? 0 : base);

    if (!err && !alone)
        err = map_program(image->mm, &image->interp, 0);
    if (!err)
        note_layout(image->mm, &image->main, &image->random, alone && pie);
    return err;
}

static int zero_tails(struct exec_program *program)
{
    for (int i = 0; i < program->header.e_phnum; i++) {
        const Elf64_Phdr *ph = &program->phdrs[i];
        u64 end = program->bias + ph->p_vaddr + ph->p_filesz;
        u64 rest = -end & ~PAGE_MASK;

        if (ph->p_type != PT_LOAD || ph->p_memsz <= ph->p_filesz ||
            !ph->p_filesz || !(ph->p_flags & PF_W))
            continue;
        if (clear_user((void __user *)end, rest))
            return -EFAULT;
    }
    return 0;
}

int exec_elf_zero_tails(struct exec_image *image)
{
    int err = zero_tails(&image->main);

    return err || !image->interp.file ? err : zero_tails(&image->interp);
}

u64 exec_elf_entry(const struct exec_image *image)
{
    const struct exec_program *first =
        image->interp.file ? &image->interp : &image->main;

    return first->bias + first->header.e_entry;
}
