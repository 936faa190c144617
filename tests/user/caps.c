/*
 * caps.c - capabilities: sets, what changes them, what they allow; and
 * supplementary groups in any number.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BIT(n) (1ull << (n))
#define FILE_OF_ROOT "/tmp/caps.root"

static uint64_t all; /* that this kernel has */

struct sets {
    uint64_t effective, permitted, inheritable;
};

static struct sets get(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data))
        exit(99);
    return (struct sets){data[0].effective | (uint64_t)data[1].effective << 32,
                         data[0].permitted | (uint64_t)data[1].permitted << 32,
                         data[0].inheritable | (uint64_t)data[1].inheritable
                                                   << 32};
}

static long set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {effective, permitted, inheritable},
        {effective >> 32, permitted >> 32, inheritable >> 32}};

    return syscall(SYS_capset, &header, data);
}

static int drop_one(void)
{
    struct sets s;

    MUST(!set(all & ~BIT(CAP_SYS_NICE), all, 0));
    MUST(setpriority(PRIO_PROCESS, 0, -5) == -1 && errno == EACCES);
    MUST(!set(all, all, 0)); /* permitted still: raised again */
    MUST(!setpriority(PRIO_PROCESS, 0, -5));
    MUST(!set(all & ~BIT(CAP_KILL), all & ~BIT(CAP_KILL), 0));
    MUST(set(all, all, 0) == -1 && errno == EPERM);
    MUST(set(all, all & ~BIT(CAP_KILL), 0) == -1 && errno == EPERM);
    s = get();
    MUST(s.permitted == (all & ~BIT(CAP_KILL)) && s.effective == s.permitted);
    return 0;
}

static int drop_file_rights(void)
{
    int fd;

    MUST(
        !set(all & ~BIT(CAP_DAC_OVERRIDE) & ~BIT(CAP_DAC_READ_SEARCH), all, 0));
    MUST(!setfsuid(0));
    MUST(open(FILE_OF_ROOT, O_RDONLY) == -1 && errno == EACCES);
    MUST(!access(FILE_OF_ROOT, R_OK)); /* the real user's, as permitted */
    MUST(!set(all & ~BIT(CAP_CHOWN), all, 0));
    MUST((fd = open(FILE_OF_ROOT, O_RDONLY)) >= 0);
    close(fd);
    MUST(chown(FILE_OF_ROOT, 5, 5) == -1 && errno == EPERM);
    MUST(!set(all & ~BIT(CAP_SETUID), all, 0));
    MUST(setuid(7) == -1 && errno == EPERM);
    MUST(!set(all & ~BIT(CAP_SETGID), all, 0));
    MUST(setgroups(0, NULL) == -1 && errno == EPERM);
    MUST(!set(all & ~BIT(CAP_SYS_ADMIN), all, 0));
    MUST(sethostname("a", 1) == -1 && errno == EPERM);
    return 0;
}

static int become_user(void)
{
    struct sets s;

    MUST(!setresuid(0, 1000, 0));
    s = get();
    MUST(!s.effective && s.permitted == all);
    MUST(!setresuid(-1, 0, -1));
    MUST(get().effective == all);
    MUST(!setresuid(1000, 1000, 1000));
    s = get();
    MUST(!s.effective && !s.permitted);
    MUST(setuid(0) == -1 && errno == EPERM);
    return 0;
}

static int keep_caps(void)
{
    struct sets s;

    MUST(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1);
    MUST(prctl(PR_GET_SECUREBITS) == SECBIT_KEEP_CAPS);
    MUST(!setresuid(1000, 1000, 1000));
    s = get();
    MUST(!s.effective && s.permitted == all);
    MUST(!set(BIT(CAP_SETUID), all, 0));
    MUST(!setresuid(5, 5, 5)); /* a user that may */
    MUST(prctl(PR_SET_KEEPCAPS, 2) == -1 && errno == EINVAL);
    return 0;
}

static int no_fixup(void)
{
    MUST(!prctl(PR_SET_SECUREBITS,
                SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
    MUST(!setresuid(1000, 1000, 1000));
    MUST(get().effective == all);
    MUST(prctl(PR_SET_SECUREBITS, 0) == -1 && errno == EPERM);
    MUST(prctl(PR_SET_SECUREBITS, 0x1000) == -1 && errno == EPERM);
    return 0;
}

static int fs_user(void)
{
    MUST(setfsuid(1000) == 0);
    MUST(!(get().effective & BIT(CAP_DAC_OVERRIDE)));
    MUST(get().effective & BIT(CAP_KILL));
    MUST(open(FILE_OF_ROOT, O_RDONLY) == -1 && errno == EACCES);
    MUST(setfsuid(0) == 1000);
    MUST(get().effective == all);
    return 0;
}

static int bounding(void)
{
    MUST(prctl(PR_CAPBSET_READ, CAP_KILL) == 1);
    MUST(!prctl(PR_CAPBSET_DROP, CAP_KILL));
    MUST(prctl(PR_CAPBSET_READ, CAP_KILL) == 0);
    MUST(prctl(PR_CAPBSET_READ, 64) == -1 && errno == EINVAL);
    MUST(prctl(PR_CAPBSET_DROP, 64) == -1 && errno == EINVAL);
    MUST(set(all, all, BIT(CAP_KILL)) == -1 && errno == EPERM);
    MUST(get().effective == all); /* exec is what it bounds */
    MUST(!set(0, all, 0));
    MUST(prctl(PR_CAPBSET_DROP, CAP_CHOWN) == -1 && errno == EPERM);
    return 0;
}

static int ambient(void)
{
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == -1 &&
         errno == EPERM); /* not inheritable */
    MUST(!set(all, all, BIT(CAP_KILL)));
    MUST(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1);
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) == 0);
    MUST(!set(all, all, 0));
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0);
    MUST(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    MUST(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0) == -1 && errno == EINVAL);
    return 0;
}

static const char *self;

/* The program again, which says what it has: 1 all, 2 none, 3 KILL only. */
static int exec_self(void)
{
    execl(self, self, "caps", (char *)NULL);
    return 98;
}

static int exec_as_user(void)
{
    MUST(!setresuid(1000, 1000, 1000));
    return exec_self();
}

static int exec_with_ambient(void)
{
    MUST(!set(all, all, BIT(CAP_KILL)));
    MUST(!prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
    MUST(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    MUST(!setresuid(1000, 1000, 1000));
    return exec_self();
}

static int exec_bounded(void)
{
    for (int cap = 0; cap < 64; cap++)
        if (cap != CAP_KILL && all >> cap & 1)
            MUST(!prctl(PR_CAPBSET_DROP, cap));
    return exec_self();
}

static int told(void)
{
    struct sets s = get();
    uint64_t last = 0;

    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        last |= BIT(cap);
    if (s.effective == last)
        return 1;
    if (!s.effective && !s.permitted)
        return 2;
    return s.effective == BIT(CAP_KILL) ? 3 : 4;
}

static int many_groups(void)
{
    static gid_t ids[65536], got[65536];
    int fd;

    for (int i = 0; i < 65536; i++)
        ids[i] = (i * 7919u) % 65536 * 2 + 10;
    MUST(!setgroups(65536, ids));
    MUST(getgroups(0, NULL) == 65536);
    MUST(getgroups(65535, got) == -1 && errno == EINVAL);
    MUST(getgroups(65536, got) == 65536);
    for (int i = 1; i < 65536; i++)
        MUST(got[i - 1] < got[i]); /* in order */
    MUST(setgroups(65537, ids) == -1 && errno == EINVAL);
    MUST(setgroups(5, (gid_t *)16) == -1 && errno == EFAULT);
    MUST(getgroups(0, NULL) == 65536);
    MUST(!chown(FILE_OF_ROOT, 0, 4000) && !chmod(FILE_OF_ROOT, 0640));
    MUST(!setresuid(1000, 1000, 1000));
    MUST((fd = open(FILE_OF_ROOT, O_RDONLY)) >= 0); /* 4000 is one of them */
    close(fd);
    return 0;
}

static int no_group(void)
{
    MUST(!setgroups(0, NULL));
    MUST(getgroups(0, NULL) == 0);
    MUST(!setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000));
    MUST(open(FILE_OF_ROOT, O_RDONLY) == -1 && errno == EACCES);
    return 0;
}

static void test_header(void)
{
    struct __user_cap_header_struct header = {0, 0};
    struct __user_cap_data_struct data[2];

    errno_is(syscall(SYS_capget, &header, data), EINVAL, "version 0");
    is(header.version, _LINUX_CAPABILITY_VERSION_3, "the version is told");
    header.pid = 999999;
    errno_is(syscall(SYS_capget, &header, data), ESRCH, "of nobody");
    header.pid = -1;
    errno_is(syscall(SYS_capget, &header, data), EINVAL, "of process -1");
    header.pid = 1;
    errno_is(syscall(SYS_capset, &header, data), EPERM, "of another");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return told();
    self = argv[0][0] == '/' ? argv[0] : "/proc/self/exe";
    close(open(FILE_OF_ROOT, O_CREAT | O_WRONLY, 0600));
    chmod(FILE_OF_ROOT, 0);
    all = get().permitted;
    ok(all == get().effective && all & BIT(CAP_SYS_ADMIN), "root has all");
    test_header();
    is(in_child(drop_one), 0, "one that is given up");
    is(in_child(drop_file_rights), 0, "what each of several allows");
    is(in_child(become_user), 0, "another user has none");
    is(in_child(keep_caps), 0, "PR_SET_KEEPCAPS");
    is(in_child(no_fixup), 0, "SECBIT_NO_SETUID_FIXUP");
    is(in_child(fs_user), 0, "setfsuid takes those of files");
    is(in_child(bounding), 0, "the bounding set");
    is(in_child(ambient), 0, "the ambient set");
    is(in_child(exec_self), 1, "a program of root's has all");
    is(in_child(exec_as_user), 2, "a user's has none");
    is(in_child(exec_with_ambient), 3, "but ambient ones");
    is(in_child(exec_bounded), 3, "nobody's has more than its bound");
    is(in_child(many_groups), 0, "65536 groups");
    is(in_child(no_group), 0, "no group");
    unlink(FILE_OF_ROOT);
    return done();
}
