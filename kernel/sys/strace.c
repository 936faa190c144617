/*
 * kernel/sys/strace.c - strace=1 or strace=NAME on the command line: each
 * call with its arguments and its answer as a line in the log.
 *
 * While it is on, syscall_dispatch points to a table in which every entry is
 * strace_call(); while it is off nothing is paid.
 */
#include <kernel/sys/syscall.h>

#include <kernel/core/cmdline.h>
#include <kernel/core/printk.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define LINE_SIZE 240

static const char *wanted; /* a program's comm, or NULL: all */

static int put_string(char *to, size_t size, u64 addr)
{
    char text[36];
    ssize_t len =
        strncpy_from_user(text, (const char __user *)addr, sizeof(text) - 1);

    if (len < 0)
        return scnprintf(to, size, "%#llx", (unsigned long long)addr);
    text[len] = '\0';
    return scnprintf(to, size, "\"%s\"%s", text,
                     len == sizeof(text) - 1 ? "..." : "");
}

/* The letters are gen_syscalls.py's LETTERS. */
static int put_argument(char *to, size_t size, char letter, u64 arg)
{
    switch (letter) {
    case 'f':
        if ((int)arg == -100) /* linux/fcntl.h AT_FDCWD */
            return scnprintf(to, size, "AT_FDCWD");
        return scnprintf(to, size, "%d", (int)arg);
    case 'd':
        return scnprintf(to, size, "%d", (int)arg);
    case 's':
        return scnprintf(to, size, "%s", signal_name((int)arg));
    case 'u':
        return scnprintf(to, size, "%u", (unsigned int)arg);
    case 'l':
        return scnprintf(to, size, "%lld", (long long)arg);
    case 'U':
        return scnprintf(to, size, "%llu", (unsigned long long)arg);
    case 'x':
        return scnprintf(to, size, "%#x", (unsigned int)arg);
    case 'o':
        return scnprintf(to, size, "0%o", (unsigned int)arg);
    case 'S':
        return put_string(to, size, arg);
    default:
        return arg ? scnprintf(to, size, "%#llx", (unsigned long long)arg)
                   : scnprintf(to, size, "NULL");
    }
}

static void put_call(char *line, u64 nr, const u64 *args)
{
    const struct syscall_name *name = syscall_name_find(nr);
    int len = scnprintf(line, LINE_SIZE, "%s(", name->name);

    for (int i = 0; i < 6 && name->args[i] && name->args[i] != '?'; i++) {
        if (i)
            len += scnprintf(line + len, LINE_SIZE - len, ", ");
        len +=
            put_argument(line + len, LINE_SIZE - len, name->args[i], args[i]);
    }
    scnprintf(line + len, LINE_SIZE - len, ")");
}

static void log_result(const char *line, long result)
{
    /* As Linux's pointers and counts: only -1..-4095 is an error. */
    if (result < 0 && result >= -4095)
        pr_info("%s[%d]: %s = -1 (errno %ld)\n", current->comm, current->pid,
                line, -result);
    else if (result > 0xffff || result < 0)
        pr_info("%s[%d]: %s = %#lx\n", current->comm, current->pid, line,
                result);
    else
        pr_info("%s[%d]: %s = %ld\n", current->comm, current->pid, line,
                result);
}

static bool returns(u64 nr)
{
    return nr != 60 && nr != 231 && nr != 15; /* exit*, rt_sigreturn */
}

static long strace_call(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    u32 nr = task_user_regs(current)->orig_rax;
    const u64 args[6] = {a, b, c, d, e, f};
    char *line;
    long result;

    if (wanted && strcmp(wanted, current->comm))
        return syscall_table[nr](a, b, c, d, e, f);
    line = kmalloc(LINE_SIZE, GFP_KERNEL);
    if (!line)
        return syscall_table[nr](a, b, c, d, e, f);
    put_call(line, nr, args);
    if (!returns(nr)) {
        pr_info("%s[%d]: %s = ?\n", current->comm, current->pid, line);
        kfree(line);
        return syscall_table[nr](a, b, c, d, e, f);
    }
    result = syscall_table[nr](a, b, c, d, e, f);
    log_result(line, result);
    kfree(line);
    return result;
}

void strace_init(void)
{
    const char *value = cmdline_get("strace");
    syscall_fn **table;

    if (!value || !strcmp(value, "0"))
        return;
    table = kmalloc_array(NR_SYSCALLS, sizeof(*table), GFP_KERNEL);
    if (!table) {
        pr_warn("strace: no memory for its table, tracing stays off\n");
        return;
    }
    for (int i = 0; i < NR_SYSCALLS; i++)
        table[i] = strace_call;
    wanted = *value && strcmp(value, "1") ? value : NULL;
    syscall_dispatch = table;
}
