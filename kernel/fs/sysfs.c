/*
 * kernel/fs/sysfs.c - /sys: one tree of entries that drivers fill.
 *
 * However often it is mounted there is one super block, so that device and
 * inode numbers stay what they are.
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
    if (!sysfs_super) {
        int err = pseudo_super(type, sysfs_root, &sysfs_super);

        if (err)
            return err;
    }
    super_get(sysfs_super);
    *sb = sysfs_super;
    return 0;
}

static struct file_system_type sysfs_type = {
    .name = "sysfs",
    .nodev = true,
    .magic = SYSFS_MAGIC,
    .get_super = sysfs_get_super,
};

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
    fs_register(&sysfs_type);
}
