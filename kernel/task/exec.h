/*
 * kernel/task/exec.h - a program on its way into a process: shared by exec.c
 * (scripts, the change-over), exec_strings.c (arguments) and exec_elf.c (what
 * is in the file).
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

/* What is drawn for a program, in one go.  All zero but the bytes where
 * addresses are not to be random. */
struct exec_random {
    u8 bytes[16];            /* AT_RANDOM */
    u64 mmap : 28, pie : 28; /* pages, as are the next two */
    u64 stack : 22, brk : 13;
    u64 text : 8; /* 16 bytes each: the stack's contents in its first page */
    u64 vdso : 9; /* pages */
};

struct exec_image {
    struct exec_program main, interp; /* interp.file NULL: none */
    struct mm_struct *mm;
    struct exec_random random;
    u64 stack_top;
    u64 vdso; /* AT_SYSINFO_EHDR; 0: none */
    struct exec_strings strings;
    const char *filename; /* AT_EXECFN */
    char head[EXEC_HEAD]; /* of the file being looked at */
    u64 execfn;           /* address of filename on the stack */
    bool exec_stack;
    bool set_uid, set_gid;
    uid_t uid;
    gid_t gid;
};

/* A list of strings, either of ring 3's or of the kernel's. */
struct exec_source {
    const char __user *const __user *user;
    const char *const *kernel;
};

/* exec_strings.c: the image's filename, and both lists: 0, -E2BIG, -EFAULT,
 * -ENOMEM. exec_strings_free() follows in any case. */
int exec_strings_collect(struct exec_image *image,
                         const struct exec_source *argv,
                         const struct exec_source *envp);
void exec_strings_free(struct exec_strings *s);
/* One more in front of all others; and the first one, argv[0], away. */
int exec_strings_push(struct exec_strings *s, const char *string);
void exec_strings_drop_first(struct exec_strings *s);

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

/* exec_layout.c: draws the random numbers, puts the new mm's stack_top and
 * mmap_base.  Credentials of the image and its mm are there. */
void exec_layout(struct exec_image *image);
u64 exec_vdso_hint(const struct exec_image *image); /* 0: anywhere */
/* /proc/sys/kernel/randomize_va_space: 0 nothing, 1 all but the heap, 2 all;
 * norandmaps is 0. */
extern int randomize_va_space;
void exec_layout_init(void);
