/*
 * kernel/sys/sys_info.c - the machine as a whole: its name, figures, limits,
 * log, random numbers, and its end.
 */
#include <kernel/core/percpu.h>
#include <kernel/core/power.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/core/utsname.h>
#include <kernel/lib/random.h>
#include <kernel/lib/string.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/resource.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include <syscalls_gen.h>

static DEFINE_SPINLOCK(uts_lock);

long sys_uname(void __user *to)
{
    struct new_utsname name;

    spin_lock(&uts_lock);
    name = utsname;
    spin_unlock(&uts_lock);
    return copy_to_user(to, &name, sizeof(name)) ? -EFAULT : 0;
}

static long set_uts(char *field, const void __user *from, int len)
{
    char text[__NEW_UTS_LEN + 1] = {0};

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (len < 0 || len > __NEW_UTS_LEN)
        return -EINVAL;
    if (copy_from_user(text, from, len))
        return -EFAULT;
    spin_lock(&uts_lock);
    memcpy(field, text, sizeof(text));
    spin_unlock(&uts_lock);
    return 0;
}

long sys_sethostname(const void __user *name, int len)
{
    return set_uts(utsname.nodename, name, len);
}

long sys_setdomainname(const void __user *name, int len)
{
    return set_uts(utsname.domainname, name, len);
}

long sys_sysinfo(void __user *to)
{
    struct page_ledger ledger;
    struct sysinfo info;

    memset(&info, 0, sizeof(info));
    page_ledger_count(&ledger);
    info.uptime = ktime_get() / NSEC_PER_SEC;
    sched_loads(info.loads);
    info.totalram = (ledger.total - ledger.pages[OWNER_RESERVED] -
                     ledger.pages[OWNER_IMAGE])
                    << PAGE_SHIFT;
    info.freeram = ledger.pages[OWNER_FREE] << PAGE_SHIFT;
    info.sharedram = ledger.pages[OWNER_PAGECACHE] << PAGE_SHIFT;
    info.procs = nr_tasks;
    info.mem_unit = 1; /* a long holds all the bytes there can be */
    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

/* ---- limits ---- */

/* What memory mapping asks of a limit, it finds in the mm. */
static void limits_to_mm(struct task_struct *task)
{
    struct mm_struct *mm = task_get_mm(task);

    if (!mm)
        return;
    mm->limits = (struct mm_limits){
        .stack = task->signal->rlim[RLIMIT_STACK].cur,
        .as = task->signal->rlim[RLIMIT_AS].cur,
        .data = task->signal->rlim[RLIMIT_DATA].cur,
        .memlock = task->signal->rlim[RLIMIT_MEMLOCK].cur,
    };
    mm_put(mm);
}

static int limit_set(struct task_struct *task, unsigned int resource,
                     const struct rlimit64 *new)
{
    struct signal_struct *signal = task->signal;

    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (resource == RLIMIT_NOFILE && new->rlim_max > (1u << 20))
        return -EPERM;
    if (new->rlim_max > signal->rlim[resource].max &&
        !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    signal->rlim[resource].cur = new->rlim_cur;
    signal->rlim[resource].max = new->rlim_max;
    limits_to_mm(task);
    return 0;
}

static bool may_limit(const struct task_struct *task)
{
    const struct cred *me = &current->cred, *it = &task->cred;

    return task->signal == current->signal || capable(CAP_SYS_RESOURCE) ||
           (me->uid == it->euid && me->uid == it->suid && me->uid == it->uid &&
            me->gid == it->egid && me->gid == it->sgid && me->gid == it->gid);
}

long sys_prlimit64(pid_t pid, unsigned int resource, const void __user *unew,
                   void __user *uold)
{
    struct rlimit64 new, old;
    struct task_struct *task;
    long err = 0;

    if (unew && copy_from_user(&new, unew, sizeof(new)))
        return -EFAULT;
    task = task_find_get(pid ? pid : current->tgid);
    if (!task)
        return -ESRCH;
    if (!may_limit(task))
        err = -EPERM;
    else if (resource >= RLIM_NLIMITS)
        err = -EINVAL;
    if (!err) {
        old.rlim_cur = task->signal->rlim[resource].cur;
        old.rlim_max = task->signal->rlim[resource].max;
        if (unew)
            err = limit_set(task, resource, &new);
    }
    put_task(task);
    if (!err && uold && copy_to_user(uold, &old, sizeof(old)))
        err = -EFAULT;
    return err;
}

long sys_getrlimit(unsigned int resource, void __user *to)
{
    if (!to && resource < RLIM_NLIMITS)
        return -EFAULT;
    return sys_prlimit64(0, resource, NULL, to);
}

long sys_setrlimit(unsigned int resource, const void __user *from)
{
    if (!from)
        return -EFAULT;
    return sys_prlimit64(0, resource, from, NULL);
}

/* ---- log ---- */

enum { /* syslog(2) */
       SYSLOG_CLOSE,
       SYSLOG_OPEN,
       SYSLOG_READ,
       SYSLOG_READ_ALL,
       SYSLOG_READ_CLEAR,
       SYSLOG_CLEAR,
       SYSLOG_CONSOLE_OFF,
       SYSLOG_CONSOLE_ON,
       SYSLOG_CONSOLE_LEVEL,
       SYSLOG_SIZE_UNREAD,
       SYSLOG_SIZE_BUFFER,
};

static u64 syslog_clear_seq, syslog_read_seq;
static int saved_loglevel = -1;

/* Bytes of log text from `seq` on. */
static size_t log_size(u64 seq, char *page)
{
    size_t sum = 0, n;

    while ((n = log_read(&seq, page, PAGE_SIZE, true)))
        sum += n;
    return sum;
}

/* Copies text from *seq on, at most `len` bytes, whole lines. */
static long log_copy(u64 *seq, char __user *buf, size_t len, char *page)
{
    size_t done = 0, n;

    while (done < len &&
           (n = log_read(seq, page, min(PAGE_SIZE, len - done), true))) {
        if (copy_to_user(buf + done, page, n))
            return -EFAULT;
        done += n;
    }
    return done;
}

/* The newest lines that fit. */
static long log_read_all(char __user *buf, size_t len, char *page)
{
    u64 seq = max(syslog_clear_seq, log_first_seq());
    size_t size = log_size(seq, page), n;

    while (size > len) {
        u64 next = seq + 1, end = next;

        n = log_size(next, page);
        if (n == size && end >= log_next_seq())
            break;
        seq = next;
        size = n;
    }
    return log_copy(&seq, buf, len, page);
}

static long syslog_text(int type, void __user *buf, int len)
{
    char *page;
    long result;

    if (!buf || len < 0)
        return -EINVAL;
    if (!len)
        return 0;
    if (!user_range_ok(buf, len))
        return -EFAULT;
    page = (char *)__get_free_page(GFP_KERNEL);
    if (!page)
        return -ENOMEM;
    if (type == SYSLOG_READ)
        result = log_copy(&syslog_read_seq, buf, len, page);
    else
        result = log_read_all(buf, len, page);
    if (type == SYSLOG_READ_CLEAR && result >= 0)
        syslog_clear_seq = log_next_seq();
    free_page((unsigned long)page);
    return result;
}

static long syslog_size(int type)
{
    char *page = (char *)__get_free_page(GFP_KERNEL);
    size_t size;

    if (!page)
        return -ENOMEM;
    size = log_size(type == SYSLOG_SIZE_UNREAD
                        ? max(syslog_read_seq, log_first_seq())
                        : log_first_seq(),
                    page);
    free_page((unsigned long)page);
    return type == SYSLOG_SIZE_BUFFER ? ALIGN_UP(size + 1, 16 * KIB) : size;
}

static long syslog_console(int type, int level)
{
    switch (type) {
    case SYSLOG_CONSOLE_OFF:
        if (saved_loglevel < 0)
            saved_loglevel = console_loglevel;
        console_loglevel = LOG_EMERG;
        return 0;
    case SYSLOG_CONSOLE_ON:
        if (saved_loglevel >= 0)
            console_loglevel = saved_loglevel;
        saved_loglevel = -1;
        return 0;
    default:
        if (level < 1 || level > 8)
            return -EINVAL;
        /* Linux shows what is below the level, we what is not above. */
        console_loglevel = level - 1;
        saved_loglevel = -1;
        return 0;
    }
}

long sys_syslog(int type, void __user *buf, int len)
{
    if (!capable(CAP_SYSLOG) && type != SYSLOG_READ_ALL &&
        type != SYSLOG_SIZE_BUFFER)
        return -EPERM;
    if (type < SYSLOG_CLOSE || type > SYSLOG_SIZE_BUFFER)
        return -EINVAL;
    switch (type) {
    case SYSLOG_READ:
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
        return syslog_text(type, buf, len);
    case SYSLOG_CLEAR:
        syslog_clear_seq = log_next_seq();
        return 0;
    case SYSLOG_CONSOLE_OFF:
    case SYSLOG_CONSOLE_ON:
    case SYSLOG_CONSOLE_LEVEL:
        return syslog_console(type, len);
    case SYSLOG_SIZE_UNREAD:
    case SYSLOG_SIZE_BUFFER:
        return syslog_size(type);
    default:
        return 0;
    }
}

/* ---- random numbers ---- */

long sys_getrandom(void __user *buf, size_t count, unsigned int flags)
{
    char block[256];
    size_t done = 0;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((flags & (GRND_INSECURE | GRND_RANDOM)) ==
        (GRND_INSECURE | GRND_RANDOM))
        return -EINVAL;
    count = min(count, (size_t)0x7ffff000);
    if (!access_ok(buf, count))
        return -EFAULT;
    while (done < count) {
        size_t n = min(sizeof(block), count - done), left;

        random_bytes(block, n);
        left = copy_to_user((char __user *)buf + done, block, n);
        done += n - left;
        if (left)
            return done ? done : -EFAULT;
        if (done < count && signal_pending())
            break;
    }
    return done;
}

/* ---- the end ---- */

static long reboot_with_word(const void __user *arg)
{
    char word[256];
    ssize_t len = strncpy_from_user(word, arg, sizeof(word) - 1);

    if (len < 0)
        return -EFAULT;
    word[len] = '\0';
    pr_notice("reboot: restarting, \"%s\"\n", word);
    if (power_ops)
        power_ops->restart(word);
    return -EIO;
}

long sys_reboot(unsigned int magic1, unsigned int magic2, unsigned int cmd,
                const void __user *arg)
{
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (magic1 != LINUX_REBOOT_MAGIC1 ||
        (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    switch (cmd) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0;
    case LINUX_REBOOT_CMD_RESTART2:
        return reboot_with_word(arg);
    case LINUX_REBOOT_CMD_RESTART:
        pr_notice("reboot: restarting\n");
        if (power_ops)
            power_ops->restart(NULL);
        return -EIO;
    case LINUX_REBOOT_CMD_POWER_OFF:
        pr_notice("reboot: power off\n");
        if (!power_ops)
            return -EIO;
        power_ops->off();
        pr_warn("reboot: the machine stays on; halted\n");
        power_ops->halt(); /* for init there is nothing to come back to */
    case LINUX_REBOOT_CMD_HALT:
        pr_notice("reboot: halted\n");
        if (power_ops)
            power_ops->halt();
        return -EIO;
    default:
        return -EINVAL;
    }
}
