/*
 * kernel/task/exec.h - a program on its way into a process: shared by exec.c
 * (arguments, the change-over) and exec_elf.c (what is in the file).
 */
#pragma once

#include <kernel/lib/elf.h>
#include <mm/types.h>

#define EXEC_HEAD 256           /* bytes of a file that are looked at first */
#define EXEC_ARGS_MAX (2 * MIB) /* argument and environment text */
#define EXEC_STRING_MAX (32 * PAGE_SIZE)
#define EXEC_SCRIPTS_MAX 5 /* scripts that run scripts */

struct exec_strings { /* text that ends at offset EXEC_ARGS_MAX */
    char **pages;     /* EXEC_ARGS_MAX / PAGE_SIZE, made when needed */
    size_t start;     /* offset of the first byte */
    size_t limit;     /* no byte below this offset */
    unsigned int argc, envc;
};

struct exec_program { /* an ELF file, checked */
    struct file *file;
    Elf64_Ehdr header;
    Elf64_Phdr *phdrs; /* header.e_phnum of them */
    u64 bias;          /* what was added to the file's addresses */
    u64 phdr_addr;     /* where ring 3 finds the headers, 0: nowhere */
};

struct exec_image {
    struct exec_program main, interp; /* interp.file NULL: none */
    struct mm_struct *mm;
    struct exec_strings strings;
    const char *filename; /* AT_EXECFN */
    char head[EXEC_HEAD]; /* of the file being looked at */
    u64 execfn;           /* address of filename on the stack */
    bool exec_stack;
    bool set_uid, set_gid;
    uid_t uid;
    gid_t gid;
};

/* Reads and checks; what it opened stays in the image.  0, -ENOEXEC,
 * -ELIBBAD, or the error of opening or reading. */
int exec_elf_read(struct exec_image *image);
void exec_elf_close(struct exec_image *image);
/* Maps everything into image->mm, which is not loaded yet. */
int exec_elf_map(struct exec_image *image);
/* With image->mm loaded: what lies behind the files' bytes in their last
 * pages becomes zero. */
int exec_elf_zero_tails(struct exec_image *image);
u64 exec_elf_entry(const struct exec_image *image);

/* exec_stack.c: text, vectors and auxv onto the new stack, image->mm being
 * loaded.  0 and *sp, or -EFAULT. */
int exec_stack_fill(struct exec_image *image, u64 *sp);
size_t exec_stack_need(const struct exec_image *image); /* bytes */
#define EXEC_STACK_TOP TASK_SIZE
