/*
 * kernel/task/exec_stack.c - what a program finds on its stack.
 *
 *     image->stack_top    up to a page of nothing, by chance
 *                         eight bytes of zero
 *                         file name, environment text, argument text
 *                         "x86_64", 16 random bytes
 *                         auxv, envp[], argv[]
 *     rsp, 16-aligned     argc
 *
 * System V ABI, AMD64, 3.4.1.  The text was collected in kernel pages while
 * the old program's memory was still there.
 */
#include <kernel/task/exec.h>

#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <linux/auxvec.h>
#include <asm/auxvec.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#define AUXV_MAX 24 /* pairs */
#define CLOCKS_PER_SECOND 100
#define HWCAP2_FSGSBASE 2 /* asm/hwcap2.h */

static const char platform[] = "x86_64";

struct extras { /* below the text */
    u8 random[16];
    char platform[sizeof(platform)];
};

size_t exec_stack_need(const struct exec_image *image)
{
    const struct exec_strings *s = &image->strings;

    return EXEC_ARGS_MAX - s->start + sizeof(struct extras) +
           (s->argc + s->envc + 3 + 2 * AUXV_MAX) * sizeof(u64) +
           image->random.text * 16 + 64;
}

static int put_text(const struct exec_strings *s, u64 to)
{
    size_t at = s->start;

    while (at < EXEC_ARGS_MAX) {
        size_t n = min(PAGE_SIZE - (at & ~PAGE_MASK), EXEC_ARGS_MAX - at);
        const char *from = s->pages[at >> PAGE_SHIFT] + (at & ~PAGE_MASK);

        if (copy_to_user((void __user *)to, from, n))
            return -EFAULT;
        at += n;
        to += n;
    }
    return 0;
}

struct auxv {
    u64 *at;
};

static void aux(struct auxv *v, u64 type, u64 value)
{
    *v->at++ = type;
    *v->at++ = value;
}

static size_t fill_auxv(struct exec_image *image, u64 extras, u64 *auxv)
{
    const struct cred *cred = &current->cred;
    const struct exec_program *main = &image->main;
    struct auxv v = {auxv};
    u32 a, b, c, hwcap;

    if (image->vdso)
        aux(&v, AT_SYSINFO_EHDR, image->vdso);
    cpuid(1, 0, &a, &b, &c, &hwcap);
    aux(&v, AT_HWCAP, hwcap);
    aux(&v, AT_PAGESZ, PAGE_SIZE);
    aux(&v, AT_CLKTCK, CLOCKS_PER_SECOND);
    aux(&v, AT_PHDR, main->phdr_addr);
    aux(&v, AT_PHENT, sizeof(Elf64_Phdr));
    aux(&v, AT_PHNUM, main->header.e_phnum);
    aux(&v, AT_BASE, image->interp.file ? image->interp.bias : 0);
    aux(&v, AT_FLAGS, 0);
    aux(&v, AT_ENTRY, main->bias + main->header.e_entry);
    aux(&v, AT_UID, cred->uid);
    aux(&v, AT_EUID, cred->euid);
    aux(&v, AT_GID, cred->gid);
    aux(&v, AT_EGID, cred->egid);
    aux(&v, AT_SECURE, cred->uid != cred->euid || cred->gid != cred->egid);
    aux(&v, AT_RANDOM, extras + offsetof(struct extras, random));
    aux(&v, AT_HWCAP2, cpu_has(CPU_FSGSBASE) ? HWCAP2_FSGSBASE : 0);
    aux(&v, AT_EXECFN, image->execfn);
    aux(&v, AT_PLATFORM, extras + offsetof(struct extras, platform));
    aux(&v, AT_MINSIGSTKSZ, sigframe_min_size());
    aux(&v, AT_NULL, 0);
    return v.at - auxv;
}

/* Writes the addresses of `n` strings, the first at *text, from *to on. */
static int put_vector(u64 *to, u64 *text, unsigned int n)
{
    u64 __user *slot = (u64 __user *)*to;

    for (unsigned int i = 0; i < n; i++, slot++) {
        ssize_t len = strnlen_user((const char __user *)*text, EXEC_STRING_MAX);

        if (len < 0 || put_user(*text, slot))
            return -EFAULT;
        *text += len + 1;
    }
    if (put_user(0ull, slot))
        return -EFAULT;
    *to = (u64)(slot + 1);
    return 0;
}

static int put_vectors(struct exec_image *image, u64 sp, u64 text,
                       const u64 *auxv, size_t auxv_words)
{
    const struct exec_strings *s = &image->strings;
    struct mm_struct *mm = image->mm;
    u64 to = sp;
    u64 argc = s->argc;

    if (put_user(argc, (u64 __user *)to))
        return -EFAULT;
    to += sizeof(u64);
    mm->arg_start = text;
    if (put_vector(&to, &text, s->argc))
        return -EFAULT;
    mm->arg_end = mm->env_start = text;
    if (put_vector(&to, &text, s->envc))
        return -EFAULT;
    mm->env_end = text;
    memcpy(mm->auxv, auxv, auxv_words * sizeof(u64));
    if (copy_to_user((void __user *)to, auxv, auxv_words * sizeof(u64)))
        return -EFAULT;
    return 0;
}

int exec_stack_fill(struct exec_image *image, u64 *out)
{
    const struct exec_strings *s = &image->strings;
    u64 top = image->stack_top - image->random.text * 16;
    u64 text = top - 8 - (EXEC_ARGS_MAX - s->start);
    u64 extras_at = ALIGN_DOWN(text - sizeof(struct extras), 16), sp;
    struct extras extras;
    u64 auxv[2 * AUXV_MAX];
    size_t words;

    image->execfn = top - 8 - (strlen(image->filename) + 1);
    memcpy(extras.random, image->random.bytes, sizeof(extras.random));
    memcpy(extras.platform, platform, sizeof(platform));
    words = fill_auxv(image, extras_at, auxv);
    sp = extras_at - (s->argc + s->envc + 3 + words) * sizeof(u64);
    sp = ALIGN_DOWN(sp, 16);
    if (put_text(s, text) ||
        copy_to_user((void __user *)extras_at, &extras, sizeof(extras)) ||
        put_vectors(image, sp, text, auxv, words))
        return -EFAULT;
    image->mm->start_stack = sp;
    *out = sp;
    return 0;
}
