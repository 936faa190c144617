/*
 * kernel/sys/sys_cap.c - capabilities read and given up: capget, capset, and
 * prctl's part of them.
 */
#include <kernel/lib/string.h>
#include <kernel/sys/sys_cap.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

/* 0 and the words per set; -EINVAL with the version that we speak written
 * into the header. */
static int cap_header(void __user *uheader, unsigned int *words, int *pid)
{
    struct __user_cap_header_struct header;
    struct __user_cap_header_struct __user *to = uheader;

    if (copy_from_user(&header, uheader, sizeof(header)))
        return -EFAULT;
    *pid = header.pid;
    *words = 2;
    switch (header.version) {
    case _LINUX_CAPABILITY_VERSION_1:
        *words = 1;
        return 0;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        return 0;
    default:
        if (put_user((u32)_LINUX_CAPABILITY_VERSION_3, &to->version))
            return -EFAULT;
        return -EINVAL;
    }
}

long sys_capget(void __user *uheader, void __user *udata)
{
    struct __user_cap_data_struct data[2];
    struct task_struct *task;
    struct cap_sets caps;
    unsigned int words;
    int pid, err = cap_header(uheader, &words, &pid);

    if (err) /* asking with no place for data asks for the version */
        return err == -EINVAL && !udata ? 0 : err;
    if (pid < 0)
        return -EINVAL;
    task = task_find_get(pid ? pid : current->pid);
    if (!task)
        return -ESRCH;
    caps = task->cred.caps;
    put_task(task);
    memset(data, 0, sizeof(data));
    for (unsigned int i = 0; i < words; i++) {
        data[i].effective = caps.effective >> 32 * i;
        data[i].permitted = caps.permitted >> 32 * i;
        data[i].inheritable = caps.inheritable >> 32 * i;
    }
    if (udata && copy_to_user(udata, data, words * sizeof(*data)))
        return -EFAULT;
    return 0;
}

static u64 both_words(u32 low, u32 high)
{
    return (low | (u64)high << 32) & CAPS_ALL;
}

long sys_capset(void __user *uheader, const void __user *udata)
{
    struct __user_cap_data_struct data[2] = {0};
    struct cap_sets *caps = &current->cred.caps;
    u64 effective, permitted, inheritable;
    unsigned int words;
    int pid, err = cap_header(uheader, &words, &pid);

    if (err)
        return err;
    if (pid && pid != current->pid)
        return -EPERM;
    if (copy_from_user(data, udata, words * sizeof(*data)))
        return -EFAULT;
    effective = both_words(data[0].effective, data[1].effective);
    permitted = both_words(data[0].permitted, data[1].permitted);
    inheritable = both_words(data[0].inheritable, data[1].inheritable);
    if (!capable(CAP_SETPCAP) &&
        (inheritable & ~(caps->inheritable | caps->permitted)))
        return -EPERM;
    if ((inheritable & ~(caps->inheritable | caps->bounding)) ||
        (permitted & ~caps->permitted) || (effective & ~permitted))
        return -EPERM;
    caps->effective = effective;
    caps->permitted = permitted;
    caps->inheritable = inheritable;
    caps->ambient &= permitted & inheritable;
    return 0;
}

static long bounding_drop(struct cap_sets *caps, unsigned long cap)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    caps->bounding &= ~BIT(cap);
    return 0;
}

/* A bit whose lock is set stays, as does the lock. */
static long set_securebits(struct cap_sets *caps, unsigned long bits)
{
    u32 locked = caps->securebits & SECURE_ALL_LOCKS;

    if ((locked >> 1 & (caps->securebits ^ bits)) || (locked & ~bits) ||
        (bits & ~(unsigned long)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) ||
        !capable(CAP_SETPCAP))
        return -EPERM;
    caps->securebits = bits;
    return 0;
}

static long set_keep_caps(struct cap_sets *caps, unsigned long keep)
{
    if (keep > 1)
        return -EINVAL;
    if (caps->securebits & SECBIT_KEEP_CAPS_LOCKED)
        return -EPERM;
    caps->securebits &= ~SECBIT_KEEP_CAPS;
    if (keep)
        caps->securebits |= SECBIT_KEEP_CAPS;
    return 0;
}

static long ambient(struct cap_sets *caps, unsigned long what,
                    unsigned long cap)
{
    if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
        if (cap)
            return -EINVAL;
        caps->ambient = 0;
        return 0;
    }
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    switch (what) {
    case PR_CAP_AMBIENT_IS_SET:
        return caps->ambient >> cap & 1;
    case PR_CAP_AMBIENT_LOWER:
        caps->ambient &= ~BIT(cap);
        return 0;
    case PR_CAP_AMBIENT_RAISE:
        if (!(caps->permitted & caps->inheritable & BIT(cap)) ||
            (caps->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
            return -EPERM;
        caps->ambient |= BIT(cap);
        return 0;
    default:
        return -EINVAL;
    }
}

long cap_prctl(int option, unsigned long arg2, unsigned long arg3,
               unsigned long arg4, unsigned long arg5)
{
    struct cap_sets *caps = &current->cred.caps;

    switch (option) {
    case PR_CAPBSET_READ:
        return arg2 > CAP_LAST_CAP ? -EINVAL
                                   : (long)(caps->bounding >> arg2 & 1);
    case PR_CAPBSET_DROP:
        return bounding_drop(caps, arg2);
    case PR_GET_SECUREBITS:
        return caps->securebits;
    case PR_SET_SECUREBITS:
        return set_securebits(caps, arg2);
    case PR_GET_KEEPCAPS:
        return !!(caps->securebits & SECBIT_KEEP_CAPS);
    case PR_SET_KEEPCAPS:
        return set_keep_caps(caps, arg2);
    case PR_CAP_AMBIENT:
        return arg4 || arg5 ? -EINVAL : ambient(caps, arg2, arg3);
    default:
        return -EINVAL;
    }
}
