/*
 * tests/kernel/test_fs.c - names, mounts, memory files, devices and entries,
 * from inside the kernel.  What goes through ring 3's pointers is tested by
 * tests/user/{file,dir,pipe,poll,proc}.c.
 */
#include <kernel/core/ktest.h>
#include <kernel/fs/internal.h>
#include <kernel/fs/pseudo_internal.h>
#include <kernel/lib/string.h>
#include <mm/fail.h>
#include <mm/page.h>

#define TOP "/fs-test"

/* A file system of its own, so that nothing stays behind. */
static bool scratch_start(struct path *at)
{
    if (do_mkdir(AT_FDCWD, TOP, 0755))
        return false;
    if (path_lookup(AT_FDCWD, TOP, 0, at))
        return false;
    return do_mount("test", at, "tmpfs", 0, "size=64k") == 0;
}

/* Everything in it goes with the mount; 0 if nothing held on to it. */
static int scratch_end(struct path *at)
{
    struct path root;
    int err = path_lookup(AT_FDCWD, TOP, 0, &root);

    if (!err) {
        err = do_umount(&root, 0);
        path_put(&root);
    }
    path_put(at);
    return err ? err : do_unlink(AT_FDCWD, TOP, true);
}

static int lookup(const char *name, u32 flags)
{
    struct path path;
    int err = path_lookup(AT_FDCWD, name, flags, &path);

    if (!err)
        path_put(&path);
    return err;
}

static int make_file(const char *name)
{
    return do_mknod(AT_FDCWD, name, S_IFREG | 0644, 0);
}

KTEST(fs, walks_end_where_linux_says)
{
    struct path at;

    KTEST_REQUIRE(scratch_start(&at));
    KTEST_EXPECT(do_mkdir(AT_FDCWD, TOP "/d", 0755) == 0);
    KTEST_EXPECT(make_file(TOP "/d/f") == 0);
    KTEST_EXPECT(lookup(TOP "/d/f", 0) == 0);
    KTEST_EXPECT(lookup("//fs-test/./d//../d/f", 0) == 0);
    KTEST_EXPECT(lookup("/../../.." TOP, LOOKUP_DIRECTORY) == 0);
    KTEST_EXPECT(lookup(TOP "/d/f/", 0) == -ENOTDIR);
    KTEST_EXPECT(lookup(TOP "/d/f/x", 0) == -ENOTDIR);
    KTEST_EXPECT(lookup(TOP "/x/f", 0) == -ENOENT);
    KTEST_EXPECT(lookup("", 0) == -ENOENT);
    KTEST_EXPECT(lookup(TOP "/d/f", LOOKUP_DIRECTORY) == -ENOTDIR);
    KTEST_EXPECT(scratch_end(&at) == 0);
}

KTEST(fs, symlinks_are_followed_forty_times)
{
    struct path at;

    KTEST_REQUIRE(scratch_start(&at));
    KTEST_EXPECT(do_symlink("loop", AT_FDCWD, TOP "/loop") == 0);
    KTEST_EXPECT(lookup(TOP "/loop", LOOKUP_FOLLOW) == -ELOOP);
    KTEST_EXPECT(lookup(TOP "/loop", 0) == 0);
    KTEST_EXPECT(lookup(TOP "/loop/x", 0) == -ELOOP);
    KTEST_EXPECT(do_symlink(TOP, AT_FDCWD, TOP "/top") == 0);
    KTEST_EXPECT(lookup(TOP "/top/top/top/top/loop", 0) == 0);
    KTEST_EXPECT(do_symlink("..//.." TOP "/top/", AT_FDCWD, TOP "/up") == 0);
    KTEST_EXPECT(lookup(TOP "/up/loop", 0) == 0);
    KTEST_EXPECT(do_symlink("nothing", AT_FDCWD, TOP "/dangling") == 0);
    KTEST_EXPECT(lookup(TOP "/dangling", LOOKUP_FOLLOW) == -ENOENT);
    KTEST_EXPECT(scratch_end(&at) == 0);
}

KTEST(fs, file_contents_are_pages_by_index)
{
    struct file *file;
    struct path at;
    char byte = 1;

    KTEST_REQUIRE(scratch_start(&at));
    KTEST_REQUIRE(!filp_open(TOP "/f", O_RDWR | O_CREAT, 0600, &file));
    KTEST_EXPECT(kernel_write(file, "x", 1, 3 * PAGE_SIZE + 5) == 1);
    KTEST_EXPECT(file->inode->size == 3 * PAGE_SIZE + 6);
    KTEST_EXPECT(file->inode->mapping.nr_pages == 1);
    KTEST_EXPECT(kernel_read(file, &byte, 1, PAGE_SIZE) == 1 && byte == 0);
    KTEST_EXPECT(kernel_read(file, &byte, 1, 3 * PAGE_SIZE + 5) == 1);
    KTEST_EXPECT(byte == 'x');
    KTEST_EXPECT(kernel_read(file, &byte, 1, 3 * PAGE_SIZE + 6) == 0);
    KTEST_EXPECT(do_truncate(file->inode, 3 * PAGE_SIZE + 5) == 0);
    KTEST_EXPECT(do_truncate(file->inode, 4 * PAGE_SIZE) == 0);
    KTEST_EXPECT(kernel_read(file, &byte, 1, 3 * PAGE_SIZE + 5) == 1);
    KTEST_EXPECT(byte == 0);
    KTEST_EXPECT(do_truncate(file->inode, 0) == 0);
    KTEST_EXPECT(file->inode->mapping.nr_pages == 0);
    fput(file);
    KTEST_EXPECT(scratch_end(&at) == 0);
}

KTEST(fs, an_unlinked_file_lives_while_it_is_open)
{
    struct file *file;
    struct path at;
    char text[4];

    KTEST_REQUIRE(scratch_start(&at));
    KTEST_REQUIRE(!filp_open(TOP "/f", O_RDWR | O_CREAT, 0600, &file));
    KTEST_EXPECT(kernel_write(file, "abc", 3, 0) == 3);
    KTEST_EXPECT(do_unlink(AT_FDCWD, TOP "/f", false) == 0);
    KTEST_EXPECT(lookup(TOP "/f", 0) == -ENOENT);
    KTEST_EXPECT(file->inode->nlink == 0);
    KTEST_EXPECT(kernel_read(file, text, 3, 0) == 3 && text[2] == 'c');
    KTEST_EXPECT(scratch_end(&at) == -EBUSY);
    fput(file);
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP, 0, &at));
    KTEST_EXPECT(do_umount(&at, 0) == 0);
    path_put(&at);
    KTEST_EXPECT(do_unlink(AT_FDCWD, TOP, true) == 0);
}

KTEST(fs, rename_moves_names_and_counts_links)
{
    struct path at, d1, d2;

    KTEST_REQUIRE(scratch_start(&at));
    do_mkdir(AT_FDCWD, TOP "/1", 0755);
    do_mkdir(AT_FDCWD, TOP "/2", 0755);
    do_mkdir(AT_FDCWD, TOP "/1/sub", 0755);
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP "/1", 0, &d1));
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP "/2", 0, &d2));
    KTEST_EXPECT(d1.dentry->inode->nlink == 3);
    KTEST_EXPECT(do_rename(AT_FDCWD, TOP "/1/sub", AT_FDCWD,
                           TOP "/2/a-name-longer-than-is-kept-inline", 0) == 0);
    KTEST_EXPECT(d1.dentry->inode->nlink == 2);
    KTEST_EXPECT(d2.dentry->inode->nlink == 3);
    KTEST_EXPECT(lookup(TOP "/2/a-name-longer-than-is-kept-inline", 0) == 0);
    KTEST_EXPECT(do_rename(AT_FDCWD, TOP "/2", AT_FDCWD,
                           TOP "/2/a-name-longer-than-is-kept-inline/x",
                           0) == -EINVAL);
    KTEST_EXPECT(do_rename(AT_FDCWD, TOP "/1", AT_FDCWD, TOP "/2",
                           RENAME_EXCHANGE) == 0);
    KTEST_EXPECT(lookup(TOP "/1/a-name-longer-than-is-kept-inline", 0) == 0);
    path_put(&d1);
    path_put(&d2);
    KTEST_EXPECT(scratch_end(&at) == 0);
}

KTEST(fs, d_path_crosses_mounts)
{
    struct path at, deep;
    char buf[64], *text;

    KTEST_REQUIRE(scratch_start(&at));
    do_mkdir(AT_FDCWD, TOP "/a", 0755);
    do_mkdir(AT_FDCWD, TOP "/a/b", 0755);
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP "/a/b", 0, &deep));
    text = d_path(&deep, NULL, buf, sizeof(buf));
    KTEST_EXPECT(text && !strcmp(text, TOP "/a/b"));
    KTEST_EXPECT(d_path(&deep, NULL, buf, 8) == NULL);
    KTEST_EXPECT(do_unlink(AT_FDCWD, TOP "/a/b", true) == 0);
    text = d_path(&deep, NULL, buf, sizeof(buf));
    KTEST_EXPECT(text && !strcmp(text, TOP "/a/b (deleted)"));
    path_put(&deep);
    KTEST_EXPECT(scratch_end(&at) == 0);
}

KTEST(fs, a_full_mount_frees_every_name_and_page)
{
    char name[] = TOP "/000", data[64] = "contents";
    struct file *file;
    struct path at;
    int i, made = 0;

    KTEST_REQUIRE(scratch_start(&at));
    for (i = 0; i < 200; i++) {
        name[9] = '0' + i / 100;
        name[10] = '0' + i / 10 % 10;
        name[11] = '0' + i % 10;
        if (filp_open(name, O_RDWR | O_CREAT, 0600, &file))
            continue;
        made += kernel_write(file, data, sizeof(data), i * 100) == 64;
        fput(file);
    }
    KTEST_EXPECT(made == 200);
    KTEST_EXPECT(scratch_end(&at) == 0); /* the runner compares the ledger */
}

static ssize_t refuse_write(struct file *file, const char __user *buf,
                            size_t count, loff_t *pos)
{
    return -EIO;
}

KTEST(fs, a_device_has_a_node_while_it_is_registered)
{
    static const struct file_operations fops = {.write = refuse_write};
    struct path dev;
    struct file *file = NULL;

    do_mkdir(AT_FDCWD, TOP, 0755);
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP, 0, &dev));
    KTEST_REQUIRE(!do_mount("dev", &dev, "devtmpfs", 0, NULL));
    KTEST_EXPECT(chrdev_register(MKDEV(300, 5), "test/dev", 0600, &fops,
                                 (void *)7) == 0);
    KTEST_EXPECT(chrdev_register(MKDEV(300, 5), "other", 0600, &fops, NULL) ==
                 -EBUSY);
    KTEST_EXPECT(!filp_open(TOP "/test/dev", O_WRONLY, 0, &file));
    if (file) {
        KTEST_EXPECT(file->ops == &fops);
        KTEST_EXPECT(chrdev_private(file->inode) == (void *)7);
        fput(file);
    }
    chrdev_unregister(MKDEV(300, 5));
    KTEST_EXPECT(lookup(TOP "/test/dev", 0) == -ENOENT);
    KTEST_EXPECT(do_unlink(AT_FDCWD, TOP "/test", true) == 0);
    path_put(&dev);
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP, 0, &dev));
    KTEST_EXPECT(do_umount(&dev, 0) == 0);
    path_put(&dev);
    KTEST_EXPECT(do_unlink(AT_FDCWD, TOP, true) == 0);
}

static int show_word(void *data, struct printer *out)
{
    printer_puts(out, data);
    return 0;
}

KTEST(fs, entries_go_with_their_directory)
{
    static const struct pseudo_ops ops = {.show = show_word};
    struct pseudo_entry *dir = pseudo_mkdir(sysfs_root, "fs-test"), *sub;

    KTEST_REQUIRE(dir);
    KTEST_EXPECT(pseudo_mkdir(sysfs_root, "fs-test") == NULL);
    KTEST_EXPECT(pseudo_create(dir, "word", 0444, &ops, "x"));
    KTEST_EXPECT(pseudo_create(dir, "word", 0444, &ops, "x") == NULL);
    sub = pseudo_mkdir(dir, "sub");
    KTEST_EXPECT(sub && pseudo_symlink(sub, "link", "../word"));
    KTEST_EXPECT(pseudo_find(dir, "word") && !pseudo_find(dir, "wor"));
    pseudo_remove(dir);
    KTEST_EXPECT(!pseudo_find(sysfs_root, "fs-test"));
}

KTEST(fs, hard_links_share_one_inode)
{
    struct path at, a, b;

    KTEST_REQUIRE(scratch_start(&at));
    KTEST_EXPECT(make_file(TOP "/a") == 0);
    KTEST_EXPECT(do_link(AT_FDCWD, TOP "/a", AT_FDCWD, TOP "/b", 0) == 0);
    KTEST_EXPECT(do_link(AT_FDCWD, TOP, AT_FDCWD, TOP "/c", 0) == -EPERM);
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP "/a", 0, &a));
    KTEST_REQUIRE(!path_lookup(AT_FDCWD, TOP "/b", 0, &b));
    KTEST_EXPECT(a.dentry->inode == b.dentry->inode);
    KTEST_EXPECT(a.dentry->inode->nlink == 2);
    path_put(&a);
    KTEST_EXPECT(do_unlink(AT_FDCWD, TOP "/a", false) == 0);
    KTEST_EXPECT(b.dentry->inode->nlink == 1);
    path_put(&b);
    KTEST_EXPECT(scratch_end(&at) == 0);
}

/* What a process does with files, as far as the kernel's own memory can do
 * it: 0, or the first error.  Everything is undone in any case. */
static int use_files(void)
{
    struct file *file, *again;
    struct path at;
    int err;

    err = do_mkdir(AT_FDCWD, TOP "/dir", 0755);
    if (!err)
        err = filp_open(TOP "/dir/a-name-too-long-to-be-inline",
                        O_RDWR | O_CREAT, 0600, &file);
    if (!err) {
        ssize_t n = kernel_write(file, "x", 1, PAGE_SIZE);

        err = n < 0 ? n : 0;
        fput(file);
    }
    if (!err)
        err = do_symlink("dir/a-name-too-long-to-be-inline", AT_FDCWD,
                         TOP "/link");
    if (!err)
        err = filp_open(TOP "/link", O_RDONLY, 0, &again);
    if (!err)
        fput(again);
    if (!err)
        err = do_link(AT_FDCWD, TOP "/link", AT_FDCWD, TOP "/hard", 0);
    if (!err)
        err = do_rename(AT_FDCWD, TOP "/hard", AT_FDCWD,
                        TOP "/dir/another-long-name-than-inline", 0);
    if (!err)
        err = memfd_open("memfd:x", O_RDWR, &again);
    if (!err)
        fput(again);
    if (!err)
        err = path_lookup(AT_FDCWD, TOP "/dir", 0, &at);
    if (!err) {
        err = do_mount("inner", &at, "tmpfs", 0, NULL);
        path_put(&at);
    }
    if (!path_lookup(AT_FDCWD, TOP "/dir", 0, &at)) {
        do_umount(&at, 0);
        path_put(&at);
    }
    do_unlink(AT_FDCWD, TOP "/dir/another-long-name-than-inline", false);
    do_unlink(AT_FDCWD, TOP "/dir/a-name-too-long-to-be-inline", false);
    do_unlink(AT_FDCWD, TOP "/link", false);
    do_unlink(AT_FDCWD, TOP "/hard", false);
    do_unlink(AT_FDCWD, TOP "/dir", true);
    return err;
}

KTEST(fs, each_failing_allocation_is_undone)
{
    struct path at;
    struct file *file;
    int err = -ENOMEM;
    u64 n;

    if (!memfd_open("memfd:warm", O_RDWR, &file)) /* its mount stays */
        fput(file);
    KTEST_REQUIRE(scratch_start(&at));
    for (n = 1; err && n < 200; n++) {
        fail_nth_arm(n);
        err = use_files();
        fail_nth_disarm();
        KTEST_EXPECT(!err || err == -ENOMEM);
    }
    KTEST_EXPECT(!err && n > 10);
    ktest_note("%llu allocations failed in turn", (unsigned long long)n - 2);
    KTEST_EXPECT(scratch_end(&at) == 0);
}
