/*
 * kernel/fs/mount_print.c - the mounts as text: /proc/mounts and mountinfo.
 *
 * Formats are Linux's (proc(5)); blanks and backslashes in names are written
 * in octal, because readers split lines at blanks.
 */
#include <kernel/fs/internal.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/mount.h>

static void print_escaped(struct printer *out, const char *text)
{
    for (; *text; text++) {
        if (strchr(" \t\n\\", *text))
            printer_printf(out, "\\%03o", *text);
        else
            printer_write(out, text, 1);
    }
}

static void print_flags(struct printer *out, u32 flags)
{
    static const struct {
        u32 flag;
        const char *text;
    } names[] = {
        {MS_SYNCHRONOUS, ",sync"}, {MS_NOSUID, ",nosuid"},
        {MS_NODEV, ",nodev"},      {MS_NOEXEC, ",noexec"},
        {MS_NOATIME, ",noatime"},  {MS_NODIRATIME, ",nodiratime"},
    };
    size_t i;

    printer_puts(out, flags & MS_RDONLY ? "ro" : "rw");
    for (i = 0; i < ARRAY_SIZE(names); i++)
        if (flags & names[i].flag)
            printer_puts(out, names[i].text);
    if (!(flags & MS_NOATIME))
        printer_puts(out, ",relatime");
}

static void print_super_options(struct printer *out, struct super_block *sb)
{
    if (sb->show_options)
        sb->show_options(sb, out);
}

/* Where the mount sits, seen from root; false if it is not below that. */
static bool mount_place(struct vfsmount *mnt, const struct path *root,
                        char *buf, char **text)
{
    struct path path = {mnt, mnt->root};

    *text = d_path(&path, root, buf, PATH_MAX);
    return *text != NULL;
}

static void print_mount(struct printer *out, struct vfsmount *mnt,
                        const char *place)
{
    print_escaped(out, mnt->source);
    printer_puts(out, " ");
    print_escaped(out, place);
    printer_printf(out, " %s ", mnt->sb->type->name);
    print_flags(out, mnt->flags);
    print_super_options(out, mnt->sb);
    printer_puts(out, " 0 0\n");
}

static void print_mountinfo(struct printer *out, struct vfsmount *mnt,
                            const char *place)
{
    struct vfsmount *parent = mnt->at.mnt;

    printer_printf(out, "%u %u %u:%u / ", mnt->id, parent ? parent->id : 0,
                   (u32)MAJOR(mnt->sb->dev), (u32)MINOR(mnt->sb->dev));
    print_escaped(out, place);
    printer_puts(out, " ");
    print_flags(out, mnt->flags);
    printer_printf(out, " - %s ", mnt->sb->type->name);
    print_escaped(out, mnt->source);
    printer_puts(out, mnt->flags & MS_RDONLY ? " ro" : " rw");
    print_super_options(out, mnt->sb);
    printer_puts(out, "\n");
}

static void for_each_mount(struct printer *out, const struct path *root,
                           void (*print)(struct printer *out,
                                         struct vfsmount *mnt,
                                         const char *place))
{
    char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *place;
    struct vfsmount *mnt = NULL;

    if (!buf)
        return;
    while ((mnt = mount_next(mnt)))
        if (mount_place(mnt, root, buf, &place))
            print(out, mnt, place);
    kfree(buf);
}

void mounts_print(struct printer *out, const struct path *root)
{
    for_each_mount(out, root, print_mount);
}

void mountinfo_print(struct printer *out, const struct path *root)
{
    for_each_mount(out, root, print_mountinfo);
}
