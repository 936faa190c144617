/*
 * kernel/fs/proc_sys.c - /proc/sys: values that can be looked at, and some
 * that can be set.
 */
#include <kernel/core/printk.h>
#include <kernel/core/utsname.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/procfs.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/task/exec.h>
#include <mm/compact.h>
#include <mm/page.h>
#include <mm/vma.h>

/* A text or number that lives somewhere. */
struct sys_value {
    const char *dir, *name;
    mode_t mode;
    const struct pseudo_ops *ops;
    void *data;
    u64 low, high; /* what a number may be set to */
};

static int text_show(void *data, struct printer *out)
{
    const struct sys_value *v = data;

    printer_printf(out, "%s\n", (const char *)v->data);
    return 0;
}

/* The value is a string of v->high bytes with its NUL. */
static ssize_t text_store(void *data, char *text, size_t len)
{
    const struct sys_value *v = data;
    char *end = strchr(text, '\n');

    if (end)
        *end = 0;
    if (strlen(text) >= v->high)
        return -EINVAL;
    strscpy(v->data, text, v->high);
    return len;
}

static int int_show(void *data, struct printer *out)
{
    const struct sys_value *v = data;

    printer_printf(out, "%d\n", *(int *)v->data);
    return 0;
}

static bool parse_line(const char *text, u64 *n)
{
    const char *end;

    while (*text == ' ' || *text == '\t')
        text++;
    return parse_u64(text, &end, n) && (!*end || *end == '\n' || *end == ' ');
}

static ssize_t int_store(void *data, char *text, size_t len)
{
    const struct sys_value *v = data;
    u64 n;

    if (!parse_line(text, &n) || n < v->low || n > v->high)
        return -EINVAL;
    WRITE_ONCE(*(int *)v->data, (int)n);
    return len;
}

static int ulong_show(void *data, struct printer *out)
{
    const struct sys_value *v = data;

    printer_printf(out, "%lu\n", *(unsigned long *)v->data);
    return 0;
}

static ssize_t ulong_store(void *data, char *text, size_t len)
{
    const struct sys_value *v = data;
    u64 n;

    if (!parse_line(text, &n) || n < v->low || n > v->high)
        return -EINVAL;
    WRITE_ONCE(*(unsigned long *)v->data, n);
    return len;
}

/* A number that nothing here depends on: the constant is the answer. */
static int constant_show(void *data, struct printer *out)
{
    const struct sys_value *v = data;

    printer_printf(out, "%s\n", (const char *)v->data);
    return 0;
}

static int printk_show(void *data, struct printer *out)
{
    (void)data;
    printer_printf(out, "%d\t4\t1\t7\n", console_loglevel);
    return 0;
}

static ssize_t printk_store(void *data, char *text, size_t len)
{
    u64 n;

    (void)data;
    if (!parse_line(text, &n) || n > 15)
        return -EINVAL;
    console_loglevel = n;
    return len;
}

static void format_uuid(struct printer *out, const u64 r[2])
{
    printer_printf(out, "%08x-%04x-4%03x-%04x-%012lx\n", (u32)r[0],
                   (u32)(r[0] >> 32) & 0xffff, (u32)(r[0] >> 48) & 0xfff,
                   0x8000u | ((u32)(r[1] >> 48) & 0x3fff),
                   r[1] & 0xffffffffffff);
}

/* Unique enough to tell boots apart; nothing secret is made of it. */
static int boot_id_show(void *data, struct printer *out)
{
    static u64 id[2];

    (void)data;
    while (!id[0]) {
        id[0] = rdtsc() * 0x9e3779b97f4a7c15ull;
        id[1] = (ktime_get_real() ^ id[0]) * 0xbf58476d1ce4e5b9ull;
    }
    format_uuid(out, id);
    return 0;
}

/* 1: pages of clean files, which this kernel has none of: tmpfs is where its
 * files are.  2: objects and areas kept for later.  4: no message. */
static ssize_t drop_store(void *data, char *text, size_t len)
{
    u64 what;

    (void)data;
    if (!parse_line(text, &what) || what < 1 || what > 4)
        return -EINVAL;
    if (what & 2)
        page_drop_cached();
    return len;
}

/* Whatever is written, as on Linux. */
static ssize_t compact_store(void *data, char *text, size_t len)
{
    (void)data;
    (void)text;
    compact_all();
    return len;
}

#define PAGE_KIB (PAGE_SIZE / 1024)

static int min_free_show(void *data, struct printer *out)
{
    (void)data;
    printer_printf(out, "%llu\n",
                   (unsigned long long)zone_min_free() * PAGE_KIB);
    return 0;
}

static ssize_t min_free_store(void *data, char *text, size_t len)
{
    u64 n;

    (void)data;
    if (!parse_line(text, &n) || n > 0x7fffffff)
        return -EINVAL;
    zone_set_min_free(n / PAGE_KIB);
    return len;
}

#define SYS_OPS(name, show_, store_)                                           \
    static const struct pseudo_ops name##_ops = {                              \
        .show = show_, .store = store_, .at_start = true}

SYS_OPS(text, text_show, text_store);
SYS_OPS(text_fixed, text_show, NULL);
SYS_OPS(int, int_show, int_store);
SYS_OPS(ulong, ulong_show, ulong_store);
SYS_OPS(constant, constant_show, NULL);
SYS_OPS(printk, printk_show, printk_store);
SYS_OPS(boot_id, boot_id_show, NULL);
SYS_OPS(compact, NULL, compact_store);
SYS_OPS(min_free, min_free_show, min_free_store);
SYS_OPS(drop, NULL, drop_store);

static struct sys_value values[] = {
    {"kernel", "ostype", 0444, &text_fixed_ops, utsname.sysname},
    {"kernel", "osrelease", 0444, &text_fixed_ops, utsname.release},
    {"kernel", "version", 0444, &text_fixed_ops, utsname.version},
    {"kernel", "hostname", 0644, &text_ops, utsname.nodename, 0, 65},
    {"kernel", "domainname", 0644, &text_ops, utsname.domainname, 0, 65},
    {"kernel", "pid_max", 0444, &constant_ops, "32768"},
    {"kernel", "threads-max", 0444, &constant_ops, "32768"},
    {"kernel", "ngroups_max", 0444, &constant_ops, "65536"},
    {"kernel", "cap_last_cap", 0444, &constant_ops, "40"},
    {"kernel", "randomize_va_space", 0644, &int_ops, &randomize_va_space, 0, 2},
    {"kernel", "kptr_restrict", 0444, &constant_ops, "0"},
    {"kernel", "dmesg_restrict", 0444, &constant_ops, "0"},
    {"kernel", "perf_event_paranoid", 0444, &constant_ops, "4"},
    {"kernel", "printk", 0644, &printk_ops, NULL},
    {"random", "boot_id", 0444, &boot_id_ops, NULL},
    {"random", "entropy_avail", 0444, &constant_ops, "256"},
    {"random", "poolsize", 0444, &constant_ops, "256"},
    {"vm", "overcommit_memory", 0644, &int_ops, &vm_overcommit_memory, 0, 2},
    {"vm", "overcommit_ratio", 0444, &constant_ops, "50"},
    {"vm", "mmap_min_addr", 0644, &ulong_ops, &mmap_min_addr, 0, 1ul << 30},
    {"vm", "max_map_count", 0444, &constant_ops, "65530"},
    {"vm", "swappiness", 0444, &constant_ops, "60"},
    {"vm", "drop_caches", 0200, &drop_ops, NULL},
    {"vm", "compact_memory", 0200, &compact_ops, NULL},
    {"vm", "min_free_kbytes", 0644, &min_free_ops, NULL},
    {"vm", "lowmem_reserve_ratio", 0444, &constant_ops, "256\t256\t32\t0"},
    {"vm", "watermark_scale_factor", 0444, &constant_ops, "10"},
    {"vm", "extfrag_threshold", 0444, &constant_ops, "0"},
    {"vm", "panic_on_oom", 0444, &constant_ops, "0"},
    {"fs", "file-max", 0444, &constant_ops, "9223372036854775807"},
    {"fs", "nr_open", 0444, &constant_ops, "1048576"},
    {"fs", "pipe-max-size", 0444, &constant_ops, "1048576"},
    {"fs", "protected_hardlinks", 0644, &int_ops, &protected_hardlinks, 0, 1},
    {"fs", "protected_symlinks", 0444, &constant_ops, "0"},
};

void proc_sys_init(void)
{
    struct pseudo_entry *sys = pseudo_mkdir(proc_root, "sys"), *dir;
    struct pseudo_entry *kernel = sys ? pseudo_mkdir(sys, "kernel") : NULL;
    size_t i;

    if (!kernel)
        return;
    for (i = 0; i < ARRAY_SIZE(values); i++) {
        struct sys_value *v = &values[i];
        struct pseudo_entry *above = strcmp(v->dir, "random") ? sys : kernel;

        dir = pseudo_find(above, v->dir);
        if (!dir)
            dir = pseudo_mkdir(above, v->dir);
        if (dir)
            pseudo_create(dir, v->name, v->mode, v->ops, v);
    }
}
