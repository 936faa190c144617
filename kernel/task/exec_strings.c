/*
 * kernel/task/exec_strings.c - the arguments and the environment of a program
 * on their way from the old address space to the new one.
 *
 * Structure  pages of the kernel's, filled from the end backwards, as the
 *            text will lie on the new stack.
 * Invariant  pages from the one of `start` on are there.
 */
#include <kernel/task/exec.h>

#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/resource.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

static int source_get(const struct exec_source *source, unsigned int i,
                      const char **string)
{
    const char __user *text;

    if (source->kernel) {
        *string = source->kernel[i];
        return 0;
    }
    if (!source->user) { /* Linux takes NULL for an empty list */
        *string = NULL;
        return 0;
    }
    if (get_user(text, source->user + i))
        return -EFAULT;
    *string = (__force const char *)text;
    return 0;
}

static int source_count(const struct exec_source *source, unsigned int *n)
{
    const char *string;

    for (*n = 0;; ++*n) {
        int err = source_get(source, *n, &string);

        if (err)
            return err;
        if (!string)
            return 0;
        if (*n >= EXEC_ARGS_MAX / sizeof(u64))
            return -E2BIG;
    }
}

static int strings_room(struct exec_strings *s, size_t len)
{
    size_t first;

    if (len > s->start - s->limit)
        return -E2BIG;
    first = (s->start - len) >> PAGE_SHIFT;
    for (size_t i = first; i <= (s->start - 1) >> PAGE_SHIFT; i++) {
        if (s->pages[i])
            continue;
        s->pages[i] = (char *)__get_free_page(GFP_KERNEL);
        if (!s->pages[i])
            return -ENOMEM;
    }
    return 0;
}

/* Puts one string in front of the others; len is with its NUL. */
static int strings_push(struct exec_strings *s, const char *from, size_t len,
                        bool from_user)
{
    int err = strings_room(s, len);
    size_t at;

    if (err)
        return err;
    s->start -= len;
    at = s->start;
    while (len) {
        size_t n = min(PAGE_SIZE - (at & ~PAGE_MASK), len);
        char *to = s->pages[at >> PAGE_SHIFT] + (at & ~PAGE_MASK);

        if (!from_user)
            memcpy(to, from, n);
        else if (copy_from_user(to, (const char __user *)from, n))
            return -EFAULT;
        at += n;
        from += n;
        len -= n;
    }
    return 0;
}

int exec_strings_push(struct exec_strings *s, const char *string)
{
    return strings_push(s, string, strlen(string) + 1, false);
}

static int strings_push_all(struct exec_strings *s,
                            const struct exec_source *source, unsigned int n)
{
    while (n--) {
        const char *string;
        ssize_t len;
        int err = source_get(source, n, &string);

        if (err)
            return err;
        if (source->kernel) {
            err = exec_strings_push(s, string);
        } else {
            len = strnlen_user((const char __user *)string, EXEC_STRING_MAX);
            if (len < 0)
                return -EFAULT;
            if (len >= EXEC_STRING_MAX)
                return -E2BIG;
            err = strings_push(s, string, len + 1, true);
        }
        if (err)
            return err;
    }
    return 0;
}

void exec_strings_drop_first(struct exec_strings *s)
{
    while (s->pages[s->start >> PAGE_SHIFT][s->start & ~PAGE_MASK])
        s->start++;
    s->start++;
}

static int strings_init(struct exec_strings *s)
{
    u64 stack = current->signal->rlim[RLIMIT_STACK].cur / 4;

    s->pages =
        kcalloc(EXEC_ARGS_MAX >> PAGE_SHIFT, sizeof(*s->pages), GFP_KERNEL);
    if (!s->pages)
        return -ENOMEM;
    s->start = EXEC_ARGS_MAX;
    /* At least 128 KiB, as POSIX programs expect. */
    s->limit =
        EXEC_ARGS_MAX - min(max(stack, 128 * KIB), EXEC_ARGS_MAX - PAGE_SIZE);
    return 0;
}

void exec_strings_free(struct exec_strings *s)
{
    if (!s->pages)
        return;
    for (size_t i = s->start >> PAGE_SHIFT; i < EXEC_ARGS_MAX >> PAGE_SHIFT;
         i++)
        if (s->pages[i])
            free_page((unsigned long)s->pages[i]);
    kfree(s->pages);
}

int exec_strings_collect(struct exec_image *image,
                         const struct exec_source *argv,
                         const struct exec_source *envp)
{
    struct exec_strings *s = &image->strings;
    int err = strings_init(s);

    if (!err)
        err = source_count(argv, &s->argc);
    if (!err)
        err = source_count(envp, &s->envc);
    /* The vectors take their part of the limit too. */
    if (!err && (s->argc + s->envc) * sizeof(u64) >= s->start - s->limit)
        err = -E2BIG;
    if (err)
        return err;
    s->limit += (s->argc + s->envc) * sizeof(u64);
    err = exec_strings_push(s, image->filename);
    if (!err)
        err = strings_push_all(s, envp, s->envc);
    if (!err)
        err = strings_push_all(s, argv, s->argc);
    if (!err && !s->argc) { /* no program gets an empty argv */
        err = exec_strings_push(s, "");
        s->argc = 1;
    }
    return err;
}
