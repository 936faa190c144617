/*
 * kernel/fs/procfs.c - /proc itself: its root, and the links that lead to
 * whoever looks at them.
 */
#include <kernel/core/panic.h>
#include <kernel/fs/procfs.h>
#include <kernel/lib/format.h>
#include <kernel/uapi/mount.h>

struct pseudo_entry *proc_root;
static struct super_block *proc_super;

static ssize_t self_readlink(struct inode *inode, char *buf, size_t size)
{
    (void)inode;
    return scnprintf(buf, size, "%d", current->tgid);
}

static ssize_t thread_self_readlink(struct inode *inode, char *buf, size_t size)
{
    (void)inode;
    return scnprintf(buf, size, "%d/task/%d", current->tgid, current->pid);
}

static const struct inode_operations self_ops = {.readlink = self_readlink};
static const struct inode_operations thread_self_ops = {
    .readlink = thread_self_readlink,
};

static int proc_get_super(const struct file_system_type *type, const char *data,
                          struct super_block **sb)
{
    (void)data;
    return pseudo_super(type, proc_root, &proc_super, sb);
}

static struct file_system_type proc_type = {
    .name = "proc",
    .nodev = true,
    .magic = PROC_SUPER_MAGIC,
    .create_error = -ENOENT, /* as Linux: no name can come to be */
    .get_super = proc_get_super,
};

void procfs_init(void)
{
    proc_root = pseudo_root();
    if (!proc_root)
        panic("no memory for /proc");
    pseudo_set_dynamic(proc_root, &proc_pid_dynamic);
    pseudo_link_ops(proc_root, "self", &self_ops);
    pseudo_link_ops(proc_root, "thread-self", &thread_self_ops);
    pseudo_symlink(proc_root, "mounts", "self/mounts");
    proc_info_init();
    proc_sys_init();
    fs_register(&proc_type);
}
