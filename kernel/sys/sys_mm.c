/*
 * kernel/sys/sys_mm.c - the system calls that change a process's map: what
 * descriptors and credentials mean is found out here, the rest is mm's.
 */
#include <kernel/fs/fdtable.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/fcntl.h>
#include <kernel/uapi/mman.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <mm/vma.h>

#include <syscalls_gen.h>

/* What MAP_SHARED_VALIDATE knows: all but MAP_SYNC and MAP_FIXED_NOREPLACE. */
#define MAP_KNOWN                                                              \
    ((unsigned long)(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE |    \
                     MAP_EXECUTABLE | MAP_UNINITIALIZED | MAP_GROWSDOWN |      \
                     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |               \
                     MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT |      \
                     21u << MAP_HUGE_SHIFT | 30u << MAP_HUGE_SHIFT))
#define FILE_BYTES_MAX 0x7fffffffffffffffull /* what loff_t can say */

static unsigned long allowed_by_mode(const struct file *file)
{
    unsigned long may = file_noexec(file) ? 0 : VM_MAYEXEC;

    switch (file->flags & O_ACCMODE) {
    case O_RDONLY:
        return may | VM_MAYREAD;
    case O_WRONLY:
        return may | VM_MAYWRITE;
    default:
        return may | VM_MAYREAD | VM_MAYWRITE;
    }
}

/* Blocks of 2 MiB, 1 GiB or the usual size; none are set aside. */
static bool hugetlb_size_known(unsigned long flags)
{
    unsigned long log = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

    return log == 0 || log == 21 || log == 30;
}

long sys_mmap(unsigned long addr, size_t len, unsigned long prot,
              unsigned long flags, unsigned long fd, unsigned long offset)
{
    struct mmap_request req = {.addr = addr,
                               .len = len,
                               .prot = prot,
                               .flags = flags,
                               .pgoff = offset >> PAGE_SHIFT,
                               .unknown_flags = flags & ~MAP_KNOWN,
                               .privileged = capable(CAP_SYS_RAWIO)};
    long ret;

    if (offset & ~PAGE_MASK)
        return -EINVAL;
    if (flags & MAP_ANONYMOUS) {
        if (flags & MAP_HUGETLB && ((flags & MAP_TYPE) == 0 ||
                                    (flags & MAP_TYPE) > MAP_SHARED_VALIDATE))
            return -EINVAL;
        if (flags & MAP_HUGETLB)
            return hugetlb_size_known(flags) ? -ENOMEM : -EINVAL;
        return do_mmap(current->mm, &req);
    }
    req.file = fget(fd);
    if (!req.file)
        return -EBADF;
    if (flags & MAP_HUGETLB) {
        ret = -EINVAL;
    } else {
        req.vm_flags_may = allowed_by_mode(req.file);
        req.mmap = req.file->ops->mmap;
        req.sealed = file_inode(req.file)->seals & F_SEAL_WRITE;
        req.file_max =
            S_ISREG(file_inode(req.file)->mode) ? FILE_BYTES_MAX : ~0ull;
        ret = do_mmap(current->mm, &req);
    }
    fput(req.file);
    return ret;
}

long sys_munmap(unsigned long addr, size_t len)
{
    return do_munmap(current->mm, addr, len);
}

long sys_mprotect(unsigned long addr, size_t len, unsigned long prot)
{
    if (prot >> 32 && !(addr & ~PAGE_MASK) && len)
        prot |= 0x80000000; /* refused like any other that is not there */
    return do_mprotect(current->mm, addr, len, prot);
}

long sys_mremap(unsigned long addr, size_t old_len, size_t new_len,
                unsigned long flags, unsigned long new_addr)
{
    if (flags &
        ~(unsigned long)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if (flags & MREMAP_FIXED && new_addr < mmap_min_addr &&
        !capable(CAP_SYS_RAWIO) && !(new_addr & ~PAGE_MASK))
        return -EPERM;
    if (capable(CAP_IPC_LOCK))
        flags |= MREMAP_PRIVILEGED;
    return do_mremap(current->mm, addr, old_len, new_len, flags, new_addr);
}

long sys_brk(unsigned long brk)
{
    return do_brk(current->mm, brk);
}

long sys_madvise(unsigned long addr, size_t len, int advice)
{
    return do_madvise(current->mm, addr, len, advice);
}

long sys_msync(unsigned long addr, size_t len, int flags)
{
    return do_msync(current->mm, addr, len, flags);
}

long sys_mincore(unsigned long addr, size_t len, void __user *vec)
{
    size_t pages = DIV_ROUND_UP(len, PAGE_SIZE), n;
    u8 *buf;
    long err = 0;

    if (addr & ~PAGE_MASK)
        return -EINVAL;
    if (!user_range_ok((void __user *)addr, len))
        return -ENOMEM;
    if (!access_ok(vec, pages))
        return -EFAULT;
    buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
    if (!buf)
        return -EAGAIN;
    for (; pages && !err; pages -= n) {
        n = min(pages, PAGE_SIZE);
        err = do_mincore(current->mm, addr, n, buf);
        if (!err && copy_to_user(vec, buf, n))
            err = -EFAULT;
        addr += n << PAGE_SHIFT;
        vec = (char __user *)vec + n;
    }
    kfree(buf);
    return err;
}

long sys_mlock(unsigned long addr, size_t len)
{
    return do_mlock(current->mm, addr, len, VM_LOCKED, capable(CAP_IPC_LOCK));
}

long sys_mlock2(unsigned long addr, size_t len, int flags)
{
    unsigned long vm_flags = VM_LOCKED;

    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    if (flags & MLOCK_ONFAULT)
        vm_flags |= VM_LOCKONFAULT;
    return do_mlock(current->mm, addr, len, vm_flags, capable(CAP_IPC_LOCK));
}

long sys_munlock(unsigned long addr, size_t len)
{
    return do_mlock(current->mm, addr, len, 0, capable(CAP_IPC_LOCK));
}

long sys_mlockall(int flags)
{
    return do_mlockall(current->mm, flags, capable(CAP_IPC_LOCK));
}

long sys_munlockall(void)
{
    return do_munlockall(current->mm);
}
