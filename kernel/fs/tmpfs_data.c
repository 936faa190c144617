/*
 * kernel/fs/tmpfs_data.c - what the files of tmpfs hold: pages of the page
 * cache, counted against the file system's size.
 *
 * Cost       block accounting is done where a file is written or cut, by the
 *            difference of its page count: no hook per page.
 * Locking    inode->lock.
 * Invariant  sb->pages is the sum of inode->private (pages accounted).
 */
#include <kernel/fs/tmpfs.h>

#include <mm/page.h>

/* Brings sb->pages up to what the file has now; writers and faults at once
 * add up, because each adds the change since the last to look. */
static void account(struct inode *inode)
{
    u64 now = READ_ONCE(inode->mapping.nr_pages), before;

    if (now == (u64)READ_ONCE(inode->private))
        return;
    before = (u64)__atomic_exchange_n(&inode->private, (void *)now,
                                      __ATOMIC_SEQ_CST);
    atomic_add(&inode->sb->pages, (s64)(now - before));
}

void tmpfs_drop_data(struct inode *inode)
{
    filemap_truncate(&inode->mapping, 0);
    account(inode);
}

static int tmpfs_truncate(struct inode *inode, u64 size)
{
    if ((size < inode->size && inode->seals & F_SEAL_SHRINK) ||
        (size > inode->size && inode->seals & F_SEAL_GROW))
        return -EPERM;
    if (size < inode->size) {
        WRITE_ONCE(inode->size, size); /* first: see mm/filemap.c */
        filemap_truncate(&inode->mapping, size);
    }
    WRITE_ONCE(inode->size, size);
    account(inode);
    return 0;
}

/* How many of `count` bytes at pos the size limit leaves room for.  Pages
 * that the file has already cost nothing, so the count is an upper bound
 * only where the limit is near. */
static size_t room_for(struct inode *inode, u64 pos, size_t count)
{
    struct super_block *sb = inode->sb;
    u64 used, left, index, end;

    if (likely(!sb->max_pages))
        return count;
    account(inode);
    used = atomic_read(&sb->pages);
    left = sb->max_pages > used ? sb->max_pages - used : 0;
    if ((pos + count - 1) / PAGE_SIZE - pos / PAGE_SIZE < left)
        return count;
    end = pos + count;
    for (index = pos / PAGE_SIZE; index * PAGE_SIZE < end; index++) {
        struct page *page = filemap_find(&inode->mapping, index);

        if (page)
            put_page(page);
        else if (!left--)
            break;
    }
    end = min(end, index * PAGE_SIZE);
    return end > pos ? end - pos : 0;
}

static int tmpfs_fallocate(struct inode *inode, int mode, u64 start, u64 len)
{
    u64 index, end = start + len;
    struct page *page;
    int err = 0;

    if (mode & ~FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP;
    if (end > inode->size && inode->seals & F_SEAL_GROW)
        return -EPERM;
    if (room_for(inode, start, len) < len)
        return -ENOSPC;
    for (index = start / PAGE_SIZE; !err && index * PAGE_SIZE < end; index++) {
        err = filemap_get(&inode->mapping, index, &page);
        if (!err)
            put_page(page);
    }
    if (!err && end > inode->size && !(mode & FALLOC_FL_KEEP_SIZE))
        inode->size = end;
    account(inode);
    return err;
}

static ssize_t tmpfs_read(struct file *file, char __user *buf, size_t count,
                          loff_t *pos)
{
    ssize_t n = 0;

    if ((u64)*pos < file->inode->size)
        n = filemap_read(&file->inode->mapping, buf, count, *pos);
    if (n > 0)
        *pos += n;
    if (!(file->flags & O_NOATIME))
        inode_accessed(file->inode);
    return n;
}

/* From `user`, or from `kernel` if there is no user. */
static ssize_t write_locked(struct inode *inode, const char __user *user,
                            const void *kernel, size_t count, loff_t *pos)
{
    ssize_t n = user ? file_size_allowed(*pos, count) : (ssize_t)count;
    size_t room;

    if (n < 0)
        return n;
    count = n;
    room = room_for(inode, *pos, count);
    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ||
        (inode->seals & F_SEAL_GROW && *pos + count > inode->size))
        return -EPERM;
    if (!room)
        return -ENOSPC;
    n = kernel ? filemap_write_kernel(&inode->mapping, kernel, room, *pos)
               : filemap_write(&inode->mapping, user, room, *pos);
    if (n <= 0)
        return n;
    *pos += n;
    if ((u64)*pos > inode->size)
        inode->size = *pos;
    if (inode->mode & (S_ISUID | S_ISGID) && !capable(CAP_FSETID))
        inode_drop_suid(inode);
    account(inode);
    inode_touch(inode);
    return n;
}

static ssize_t write_any(struct file *file, const char __user *user,
                         const void *kernel, size_t count, loff_t *pos)
{
    struct inode *inode = file->inode;
    ssize_t n;

    if (!count)
        return 0;
    mutex_lock(&inode->lock);
    if (file->flags & O_APPEND)
        *pos = inode->size;
    n = write_locked(inode, user, kernel, count, pos);
    mutex_unlock(&inode->lock);
    return n;
}

static ssize_t tmpfs_write(struct file *file, const char __user *buf,
                           size_t count, loff_t *pos)
{
    return write_any(file, buf, NULL, count, pos);
}

static ssize_t tmpfs_write_kernel(struct file *file, const void *buf,
                                  size_t count, loff_t *pos)
{
    return write_any(file, NULL, buf, count, pos);
}

/* A fault may make a page, which a file system with a limit has to have. */
static vm_fault_t limited_fault(struct vm_fault *vmf)
{
    struct address_space *mapping = vmf->vma->vm_mapping;
    struct inode *inode = mapping->host;
    struct super_block *sb = inode->sb;
    struct page *page = filemap_find(mapping, vmf->pgoff);
    vm_fault_t ret = VM_FAULT_SIGBUS;

    if (page || (u64)atomic_read(&sb->pages) < sb->max_pages)
        ret = filemap_fault(vmf);
    if (page)
        put_page(page);
    account(inode);
    return ret;
}

static const struct vm_operations_struct limited_vm_ops = {
    .fault = limited_fault,
    .map_pages = filemap_map_pages,
};

static int tmpfs_mmap(struct file *file, struct vm_area_struct *vma)
{
    int err;

    if (file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) &&
        vma->vm_flags & VM_SHARED) {
        if (vma->vm_flags & VM_WRITE)
            return -EPERM;
        vma->vm_flags &= ~VM_MAYWRITE;
    }
    err = filemap_mmap(&file->inode->mapping, vma);
    if (!err && file->inode->sb->max_pages)
        vma->vm_ops = &limited_vm_ops;
    return err;
}

/* Where the next page that is there (data) or not there (hole) begins. */
static loff_t seek_data(struct inode *inode, loff_t off, bool data)
{
    struct address_space *mapping = &inode->mapping;
    u64 index = off / PAGE_SIZE;

    if (off < 0 || (u64)off >= inode->size)
        return -ENXIO;
    for (; index * PAGE_SIZE < inode->size; index++) {
        struct page *page = filemap_find(mapping, index);

        if (page)
            put_page(page);
        if (!page == !data)
            return max((u64)off, index * PAGE_SIZE);
    }
    return data ? (loff_t)-ENXIO : (loff_t)inode->size;
}

static loff_t tmpfs_llseek(struct file *file, loff_t off, int whence)
{
    loff_t pos;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return generic_llseek(file, off, whence);
    mutex_lock(&file->inode->lock);
    pos = seek_data(file->inode, off, whence == SEEK_DATA);
    mutex_unlock(&file->inode->lock);
    if (pos >= 0)
        file->pos = pos;
    return pos;
}

static int tmpfs_fsync(struct file *file)
{
    (void)file;
    return 0;
}

const struct inode_operations tmpfs_file_ops = {
    .truncate = tmpfs_truncate,
    .fallocate = tmpfs_fallocate,
};
const struct file_operations tmpfs_file_fops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .write_kernel = tmpfs_write_kernel,
    .llseek = tmpfs_llseek,
    .mmap = tmpfs_mmap,
    .fsync = tmpfs_fsync,
};

/* For start-up: contents from the kernel's own memory, appended. */
ssize_t tmpfs_append(struct inode *inode, const void *data, size_t len)
{
    ssize_t n = filemap_write_kernel(&inode->mapping, data, len, inode->size);

    if (n > 0)
        inode->size += n;
    account(inode);
    return n;
}
