/*
 * kernel/task/cred.c - supplementary groups, and how capabilities follow the
 * user.
 *
 * Transitions are Linux's, capabilities(7); files have none of their own.
 * Cost       groups: O(log n) to look for one, n log n to set.
 */
#include <kernel/task/cred.h>

#include <kernel/task/internal.h>
#include <linux/securebits.h>
#include <mm/mm.h>
#include <mm/slab.h>

/* What user 0 has for file systems: setfsuid(2). */
#define CAPS_FS                                                                \
    (BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) |                 \
     BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |            \
     BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

struct group_info *groups_alloc(u32 count)
{
    struct group_info *groups;

    if (!count)
        return NULL;
    groups = kmalloc(sizeof(*groups) + count * sizeof(gid_t), GFP_KERNEL);
    if (!groups)
        return NULL;
    refcount_set(&groups->refs, 1);
    groups->count = count;
    return groups;
}

void groups_put(struct group_info *groups)
{
    if (groups && refcount_dec_and_test(&groups->refs))
        kfree(groups);
}

/* ids[root] moves down to where it is no less than its children. */
static void sift_down(gid_t *ids, u32 root, u32 count)
{
    u32 child;

    while ((child = 2 * root + 1) < count) {
        gid_t swap = ids[root];

        if (child + 1 < count && ids[child + 1] > ids[child])
            child++;
        if (ids[child] <= swap)
            return;
        ids[root] = ids[child];
        ids[child] = swap;
        root = child;
    }
}

/* A heap: the numbers are ring 3's, which must not make it slow. */
void groups_sort(struct group_info *groups)
{
    gid_t *ids = groups->ids;
    u32 n = groups->count;

    for (u32 i = n / 2; i-- > 0;)
        sift_down(ids, i, n);
    while (n-- > 1) {
        gid_t largest = ids[0];

        ids[0] = ids[n];
        ids[n] = largest;
        sift_down(ids, 0, n);
    }
}

bool groups_contain(const struct group_info *groups, gid_t gid)
{
    u32 low = 0, high = groups ? groups->count : 0;

    while (low < high) {
        u32 middle = low + (high - low) / 2;

        if (groups->ids[middle] == gid)
            return true;
        if (groups->ids[middle] < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool capable(int cap)
{
    return current->cred.caps.effective >> cap & 1;
}

static bool same_user(const struct cred *its, enum ptrace_mode mode)
{
    const struct cred *mine = &current->cred;
    bool fs = mode == PTRACE_MODE_FSCREDS;
    uid_t uid = fs ? mine->fsuid : mine->uid;
    gid_t gid = fs ? mine->fsgid : mine->gid;
    u64 caps = fs ? mine->caps.effective : mine->caps.permitted;

    return uid == its->uid && uid == its->euid && uid == its->suid &&
           gid == its->gid && gid == its->egid && gid == its->sgid &&
           !(its->caps.permitted & ~caps);
}

static bool is_dumpable(struct task_struct *task)
{
    struct mm_struct *mm = task_get_mm(task);
    bool dumpable = !mm || mm->dumpable;

    if (mm)
        mm_put(mm);
    return dumpable;
}

bool ptrace_may_access(struct task_struct *task, enum ptrace_mode mode)
{
    return task->signal == current->signal || capable(CAP_SYS_PTRACE) ||
           (same_user(&task->cred, mode) && is_dumpable(task));
}

static bool any_root(const struct cred *cred)
{
    return !cred->uid || !cred->euid || !cred->suid;
}

void caps_fix_setuid(struct cred *cred, const struct cred *old)
{
    struct cap_sets *caps = &cred->caps;

    if (caps->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (any_root(old) && !any_root(cred)) {
        if (!(caps->securebits & SECBIT_KEEP_CAPS))
            caps->permitted = caps->effective = 0;
        caps->ambient = 0;
    }
    if (!old->euid && cred->euid)
        caps->effective = 0;
    if (old->euid && !cred->euid)
        caps->effective = caps->permitted;
}

void caps_fix_setfsuid(struct cred *cred, uid_t old_fsuid)
{
    struct cap_sets *caps = &cred->caps;

    if (caps->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (!old_fsuid && cred->fsuid)
        caps->effective &= ~CAPS_FS;
    if (old_fsuid && !cred->fsuid)
        caps->effective |= caps->permitted & CAPS_FS;
}

void caps_fix_exec(struct cred *cred, bool raised)
{
    struct cap_sets *caps = &cred->caps;
    bool root = !(caps->securebits & SECBIT_NOROOT);

    if (raised)
        caps->ambient = 0;
    caps->permitted = caps->effective = caps->ambient;
    if (root && (!cred->uid || !cred->euid))
        caps->permitted |= caps->inheritable | caps->bounding;
    if (root && !cred->euid)
        caps->effective = caps->permitted;
    caps->securebits &= ~SECBIT_KEEP_CAPS;
}
