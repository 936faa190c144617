/*
 * kernel/sys/sys_cred.c - users and groups, process groups and sessions.
 */
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <mm/mm.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

#define UNCHANGED ((uid_t)-1)

long sys_getuid(void)
{
    return current->cred.uid;
}

long sys_geteuid(void)
{
    return current->cred.euid;
}

long sys_getgid(void)
{
    return current->cred.gid;
}

long sys_getegid(void)
{
    return current->cred.egid;
}

static void credentials_changed(const struct cred *old)
{
    struct task_struct *task = current;

    caps_fix_setuid(&task->cred, old);
    if (old->euid != task->cred.euid || old->egid != task->cred.egid) {
        task->mm->dumpable = false;
        task->pdeath_signal = 0;
    }
}

long sys_setuid(uid_t uid)
{
    struct cred *cred = &current->cred, old = *cred;

    if (uid == UNCHANGED)
        return -EINVAL;
    if (capable(CAP_SETUID))
        cred->uid = cred->suid = uid;
    else if (uid != cred->uid && uid != cred->suid)
        return -EPERM;
    cred->euid = cred->fsuid = uid;
    credentials_changed(&old);
    return 0;
}

long sys_setgid(gid_t gid)
{
    struct cred *cred = &current->cred, old = *cred;

    if (gid == UNCHANGED)
        return -EINVAL;
    if (capable(CAP_SETGID))
        cred->gid = cred->sgid = gid;
    else if (gid != cred->gid && gid != cred->sgid)
        return -EPERM;
    cred->egid = cred->fsgid = gid;
    credentials_changed(&old);
    return 0;
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
    struct cred *cred = &current->cred, old = *cred;
    bool root = capable(CAP_SETUID);

    if (ruid != UNCHANGED && !root && ruid != old.uid && ruid != old.euid)
        return -EPERM;
    if (euid != UNCHANGED && !root && euid != old.uid && euid != old.euid &&
        euid != old.suid)
        return -EPERM;
    if (ruid != UNCHANGED)
        cred->uid = ruid;
    if (euid != UNCHANGED)
        cred->euid = euid;
    if (ruid != UNCHANGED || (euid != UNCHANGED && euid != old.uid))
        cred->suid = cred->euid;
    cred->fsuid = cred->euid;
    credentials_changed(&old);
    return 0;
}

long sys_setregid(gid_t rgid, gid_t egid)
{
    struct cred *cred = &current->cred, old = *cred;
    bool root = capable(CAP_SETGID);

    if (rgid != UNCHANGED && !root && rgid != old.gid && rgid != old.egid)
        return -EPERM;
    if (egid != UNCHANGED && !root && egid != old.gid && egid != old.egid &&
        egid != old.sgid)
        return -EPERM;
    if (rgid != UNCHANGED)
        cred->gid = rgid;
    if (egid != UNCHANGED)
        cred->egid = egid;
    if (rgid != UNCHANGED || (egid != UNCHANGED && egid != old.gid))
        cred->sgid = cred->egid;
    cred->fsgid = cred->egid;
    credentials_changed(&old);
    return 0;
}

static bool one_of(uid_t id, uid_t a, uid_t b, uid_t c)
{
    return id == UNCHANGED || id == a || id == b || id == c;
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
    struct cred *cred = &current->cred, old = *cred;

    if (!capable(CAP_SETUID) && (!one_of(ruid, old.uid, old.euid, old.suid) ||
                                 !one_of(euid, old.uid, old.euid, old.suid) ||
                                 !one_of(suid, old.uid, old.euid, old.suid)))
        return -EPERM;
    if (ruid != UNCHANGED)
        cred->uid = ruid;
    if (euid != UNCHANGED)
        cred->euid = euid;
    if (suid != UNCHANGED)
        cred->suid = suid;
    cred->fsuid = cred->euid;
    credentials_changed(&old);
    return 0;
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
    struct cred *cred = &current->cred, old = *cred;

    if (!capable(CAP_SETGID) && (!one_of(rgid, old.gid, old.egid, old.sgid) ||
                                 !one_of(egid, old.gid, old.egid, old.sgid) ||
                                 !one_of(sgid, old.gid, old.egid, old.sgid)))
        return -EPERM;
    if (rgid != UNCHANGED)
        cred->gid = rgid;
    if (egid != UNCHANGED)
        cred->egid = egid;
    if (sgid != UNCHANGED)
        cred->sgid = sgid;
    cred->fsgid = cred->egid;
    credentials_changed(&old);
    return 0;
}

static long put_three(u32 a, u32 b, u32 c, void __user *to_a, void __user *to_b,
                      void __user *to_c)
{
    if (put_user(a, (u32 __user *)to_a) || put_user(b, (u32 __user *)to_b) ||
        put_user(c, (u32 __user *)to_c))
        return -EFAULT;
    return 0;
}

long sys_getresuid(void __user *ruid, void __user *euid, void __user *suid)
{
    const struct cred *cred = &current->cred;

    return put_three(cred->uid, cred->euid, cred->suid, ruid, euid, suid);
}

long sys_getresgid(void __user *rgid, void __user *egid, void __user *sgid)
{
    const struct cred *cred = &current->cred;

    return put_three(cred->gid, cred->egid, cred->sgid, rgid, egid, sgid);
}

long sys_setfsuid(uid_t uid)
{
    struct cred *cred = &current->cred;
    uid_t old = cred->fsuid;

    if (uid != UNCHANGED &&
        (capable(CAP_SETUID) ||
         one_of(uid, cred->uid, cred->euid, cred->suid) || uid == old))
        cred->fsuid = uid;
    caps_fix_setfsuid(cred, old);
    return old;
}

long sys_setfsgid(gid_t gid)
{
    struct cred *cred = &current->cred;
    gid_t old = cred->fsgid;

    if (gid != UNCHANGED &&
        (capable(CAP_SETGID) ||
         one_of(gid, cred->gid, cred->egid, cred->sgid) || gid == old))
        cred->fsgid = gid;
    return old;
}

long sys_getgroups(int size, void __user *list)
{
    const struct group_info *groups = current->cred.groups;
    u32 count = groups ? groups->count : 0;

    if (size < 0 || (size && (u32)size < count))
        return -EINVAL;
    if (size && count && copy_to_user(list, groups->ids, count * sizeof(gid_t)))
        return -EFAULT;
    return count;
}

/* From ring 3, sorted; *groups NULL: none. */
static int groups_read(struct group_info **groups, const void __user *list,
                       u32 count)
{
    *groups = groups_alloc(count);
    if (!*groups)
        return count ? -ENOMEM : 0;
    if (copy_from_user((*groups)->ids, list, count * sizeof(gid_t))) {
        groups_put(*groups);
        return -EFAULT;
    }
    groups_sort(*groups);
    if ((*groups)->ids[count - 1] == (gid_t)-1) {
        groups_put(*groups);
        return -EINVAL;
    }
    return 0;
}

long sys_setgroups(int size, const void __user *list)
{
    struct task_struct *task = current;
    struct group_info *groups, *old = task->cred.groups;
    u64 flags;
    int err;

    if (!capable(CAP_SETGID))
        return -EPERM;
    if (size < 0 || size > NGROUPS_MAX)
        return -EINVAL;
    err = groups_read(&groups, list, size);
    if (err)
        return err;
    flags = spin_lock_irqsave(&task->sighand->lock);
    task->cred.groups = groups;
    spin_unlock_irqrestore(&task->sighand->lock, flags);
    groups_put(old);
    return 0;
}

/* What `member` of a task's process is; -ESRCH. */
static long process_id(pid_t pid, size_t member)
{
    struct task_struct *task;
    pid_t id;

    if (!pid)
        return *(pid_t *)((char *)current->signal + member);
    task = task_find_get(pid);
    if (!task)
        return -ESRCH;
    id = *(pid_t *)((char *)task->signal + member);
    put_task(task);
    return id;
}

long sys_getpgid(pid_t pid)
{
    return process_id(pid, offsetof(struct signal_struct, pgrp));
}

long sys_getpgrp(void)
{
    return current->signal->pgrp;
}

long sys_getsid(pid_t pid)
{
    return process_id(pid, offsetof(struct signal_struct, session));
}

/* Whether the caller may move this process.  Locks: tasklist_lock. */
static int setpgid_check(const struct task_struct *task)
{
    const struct signal_struct *signal = task->signal;

    if (task->signal->leader != task)
        return -EINVAL;
    if (signal->parent->signal == current->signal) {
        if (signal->session != current->signal->session)
            return -EPERM;
        if (signal->has_execed)
            return -EACCES;
    } else if (signal != current->signal) {
        return -ESRCH;
    }
    return signal->session == task->pid ? -EPERM : 0;
}

static bool pgrp_in_session_locked(pid_t pgrp, pid_t session)
{
    struct task_struct *task;

    list_for_each_entry(task, &task_list, all_link)
        if (task->signal->pgrp == pgrp && task->signal->session == session)
            return true;
    return false;
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
    struct task_struct *task;
    int err = -ESRCH;
    u64 flags;

    if (!pid)
        pid = current->tgid;
    if (!pgid)
        pgid = pid;
    if (pgid < 0)
        return -EINVAL;
    flags = spin_lock_irqsave(&tasklist_lock);
    task = task_find_locked(pid);
    if (task)
        err = setpgid_check(task);
    if (!err && pgid != pid &&
        !pgrp_in_session_locked(pgid, current->signal->session))
        err = -EPERM;
    if (!err)
        task->signal->pgrp = pgid;
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return err;
}

long sys_setsid(void)
{
    struct signal_struct *signal = current->signal;
    pid_t pid = current->tgid;
    struct task_struct *task;
    long result = pid;
    u64 flags = spin_lock_irqsave(&tasklist_lock);

    list_for_each_entry(task, &task_list, all_link)
        if (task->signal->pgrp == pid)
            result = -EPERM;
    if (result == pid) {
        signal->pgrp = signal->session = pid;
        signal->tty = NULL;
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return result;
}
