/*
 * kernel/fs/sysfs.c - /sys: one tree of entries that drivers fill.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/pseudo_internal.h>
#include <kernel/uapi/mount.h>

struct pseudo_entry *sysfs_root;
static struct super_block *sysfs_super;

static int sysfs_get_super(const struct file_system_type *type,
                           const char *data, struct super_block **sb)
{
    (void)data;
    return pseudo_super(type, sysfs_root, &sysfs_super, sb);
}

static struct file_system_type sysfs_type = {
    .name = "sysfs",
    .nodev = true,
    .magic = SYSFS_MAGIC,
    .get_super = sysfs_get_super,
};

/* /sys/devices/system/cpu: what programs ask to learn how many CPUs there
 * are ("0-3"). */
static int cpus_show(void *data, struct printer *out)
{
    (void)data;
    if (nr_cpus_online > 1)
        printer_printf(out, "0-%u\n", nr_cpus_online - 1);
    else
        printer_puts(out, "0\n");
    return 0;
}

static int nothing_show(void *data, struct printer *out)
{
    (void)data;
    printer_puts(out, "\n");
    return 0;
}

static int kernel_max_show(void *data, struct printer *out)
{
    (void)data;
    printer_printf(out, "%u\n", NR_CPUS_MAX - 1);
    return 0;
}

static void make_cpu_files(void)
{
    static const struct pseudo_ops cpus_ops = {.show = cpus_show};
    static const struct pseudo_ops nothing_ops = {.show = nothing_show};
    static const struct pseudo_ops max_ops = {.show = kernel_max_show};
    struct pseudo_entry *dir = pseudo_find(sysfs_root, "devices");

    dir = dir ? pseudo_mkdir(dir, "system") : NULL;
    dir = dir ? pseudo_mkdir(dir, "cpu") : NULL;
    if (!dir)
        return;
    pseudo_create(dir, "online", 0444, &cpus_ops, NULL);
    pseudo_create(dir, "possible", 0444, &cpus_ops, NULL);
    pseudo_create(dir, "present", 0444, &cpus_ops, NULL);
    pseudo_create(dir, "offline", 0444, &nothing_ops, NULL);
    pseudo_create(dir, "kernel_max", 0444, &max_ops, NULL);
}

void sysfs_init(void)
{
    static const char *const dirs[] = {"block",   "bus", "class",  "dev",
                                       "devices", "fs",  "kernel", "module"};
    size_t i;

    sysfs_root = pseudo_root();
    if (!sysfs_root)
        panic("no memory for /sys");
    for (i = 0; i < ARRAY_SIZE(dirs); i++)
        pseudo_mkdir(sysfs_root, dirs[i]);
    make_cpu_files();
    fs_register(&sysfs_type);
}
