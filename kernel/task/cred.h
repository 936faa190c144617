/*
 * kernel/task/cred.h - who a task is, and what it may do.
 *
 * Users and groups are plain values in task_struct, changed by the task
 * itself only.  What only root may do asks for a capability by its Linux name;
 * which of them a task has follows its user numbers (cred.c), unless it gives
 * them up.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/sync/refcount.h>
#include <linux/capability.h>

struct task_struct;

#define NGROUPS_MAX 65536 /* linux/limits.h */
#define CAPS_ALL (BIT(CAP_LAST_CAP + 1) - 1)

struct group_info { /* constant once somebody has it */
    refcount_t refs;
    u32 count;
    gid_t ids[]; /* ascending */
};

struct cap_sets { /* bit n: capability n */
    u64 effective, permitted, inheritable, bounding, ambient;
    u32 securebits; /* SECBIT_* */
};

struct cred {
    uid_t uid, euid, suid, fsuid;
    gid_t gid, egid, sgid, fsgid;
    struct group_info *groups; /* sighand->lock to look from outside; NULL:
                                  none */
    struct cap_sets caps;
};

/* NULL: no memory, or count 0. */
struct group_info *groups_alloc(u32 count);
void groups_sort(struct group_info *groups);
void groups_put(struct group_info *groups); /* NULL is fine */
bool groups_contain(const struct group_info *groups, gid_t gid);

static inline struct group_info *groups_get(struct group_info *groups)
{
    if (groups)
        refcount_inc(&groups->refs);
    return groups;
}

/* Whether current has it: CAP_*. */
bool capable(int cap);

/* Which of current's user numbers count: those for files, or its own. */
enum ptrace_mode { PTRACE_MODE_FSCREDS, PTRACE_MODE_REALCREDS };

/* Whether current may reach into `task`: its memory, its descriptors. */
bool ptrace_may_access(struct task_struct *task, enum ptrace_mode mode);

/* User numbers have changed from what they were in `old`. */
void caps_fix_setuid(struct cred *cred, const struct cred *old);
void caps_fix_setfsuid(struct cred *cred, uid_t old_fsuid);
/* A program starts, with the user numbers that it will have.  raised: the
 * file is set-user-id or set-group-id. */
void caps_fix_exec(struct cred *cred, bool raised);
