/*
 * drivers/char/rtc.c - the PC's CMOS clock (Motorola MC146818), /dev/rtc0.
 *
 * The chip's registers are copied from its counters once a second; a reading
 * made during that moment could mix two seconds.  Waiting for the moment to
 * pass would cost millions of instructions, so a reading is taken twice
 * instead, until two in a row agree.
 *
 * Locking    rtc_lock (spin, irq-safe) keeps index and data port together.
 * Context    any; the file operations may sleep.
 */
#include <drivers/char/rtc.h>

#include <drivers/driver.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/fs/fs.h>
#include <kernel/lib/string.h>
#include <kernel/sync/spinlock.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/rtc.h>
#include <kernel/x86/cpu.h>
#include <mm/uaccess.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

/* Registers, MC146818A data sheet table 2; the century is where ACPI's FADT
 * says, which is here on every PC that has one. */
#define CMOS_SECONDS 0x00
#define CMOS_MINUTES 0x02
#define CMOS_HOURS 0x04
#define CMOS_DAY 0x07
#define CMOS_MONTH 0x08
#define CMOS_YEAR 0x09
#define CMOS_STATUS_B 0x0b
#define CMOS_CENTURY 0x32

#define STATUS_B_24H 0x02
#define STATUS_B_BINARY 0x04
#define STATUS_B_SET 0x80 /* the copy is held while registers are written */
#define HOURS_PM 0x80
#define READ_TRIES 4
#define RTC_DEV MKDEV(254, 0) /* as Linux gives it here */

static DEFINE_SPINLOCK(rtc_lock);

static u8 cmos_read(u8 reg)
{
    outb(CMOS_INDEX, reg);
    return inb(CMOS_DATA);
}

static void cmos_write(u8 reg, u8 val)
{
    outb(CMOS_INDEX, reg);
    outb(CMOS_DATA, val);
}

struct cmos_time { /* registers as they are */
    u8 seconds, minutes, hours, day, month, year, century;
};

static void read_registers(struct cmos_time *t)
{
    t->seconds = cmos_read(CMOS_SECONDS);
    t->minutes = cmos_read(CMOS_MINUTES);
    t->hours = cmos_read(CMOS_HOURS);
    t->day = cmos_read(CMOS_DAY);
    t->month = cmos_read(CMOS_MONTH);
    t->year = cmos_read(CMOS_YEAR);
    t->century = cmos_read(CMOS_CENTURY);
}

static u8 from_bcd(u8 x)
{
    return (x >> 4) * 10 + (x & 0xf);
}

static u8 to_bcd(u8 x)
{
    return (x / 10) << 4 | x % 10;
}

static void decode(const struct cmos_time *raw, u8 status, struct rtc_time *t)
{
    bool bcd = !(status & STATUS_B_BINARY), pm = raw->hours & HOURS_PM;
    u8 hours = raw->hours & ~HOURS_PM;
    int century = from_bcd(raw->century);

    t->tm_sec = bcd ? from_bcd(raw->seconds) : raw->seconds;
    t->tm_min = bcd ? from_bcd(raw->minutes) : raw->minutes;
    t->tm_hour = bcd ? from_bcd(hours) : hours;
    if (!(status & STATUS_B_24H))
        t->tm_hour = t->tm_hour % 12 + (pm ? 12 : 0);
    t->tm_mday = bcd ? from_bcd(raw->day) : raw->day;
    t->tm_mon = (bcd ? from_bcd(raw->month) : raw->month) - 1;
    t->tm_year = bcd ? from_bcd(raw->year) : raw->year;
    if (century >= 19 && century <= 29)
        t->tm_year += (century - 19) * 100;
    else if (t->tm_year < 70)
        t->tm_year += 100;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar.  Years begin in
 * March, so that the leap day is the last one. */
static s64 days_since_1970(int year, int month, int day)
{
    s64 y = month <= 2 ? year - 1 : year;
    int m = month <= 2 ? month + 9 : month - 3; /* March is 0 */

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
           719468; /* the same sum for 1970-01-01 */
}

static u64 seconds_of(const struct rtc_time *t)
{
    s64 days = days_since_1970(t->tm_year + 1900, t->tm_mon + 1, t->tm_mday);

    return ((days * 24 + t->tm_hour) * 60 + t->tm_min) * 60 + t->tm_sec;
}

static bool plausible(const struct rtc_time *t)
{
    return t->tm_sec >= 0 && t->tm_sec < 60 && t->tm_min >= 0 &&
           t->tm_min < 60 && t->tm_hour >= 0 && t->tm_hour < 24 &&
           t->tm_mday >= 1 && t->tm_mday <= 31 && t->tm_mon >= 0 &&
           t->tm_mon < 12 && t->tm_year >= 70;
}

/* 0; -EIO: no chip, or it holds nonsense. */
static int rtc_read_time(struct rtc_time *t)
{
    u64 flags = spin_lock_irqsave(&rtc_lock);
    struct cmos_time last, now;
    int tries = READ_TRIES;
    u8 status;

    read_registers(&now);
    do {
        last = now;
        read_registers(&now);
    } while (memcmp(&last, &now, sizeof(now)) && --tries);
    status = cmos_read(CMOS_STATUS_B);
    spin_unlock_irqrestore(&rtc_lock, flags);

    memset(t, 0, sizeof(*t));
    decode(&now, status, t);
    if (!plausible(t))
        return -EIO;
    t->tm_wday = (seconds_of(t) / 86400 + 4) % 7; /* 1970 began on Thursday */
    t->tm_yday = days_since_1970(t->tm_year + 1900, t->tm_mon + 1, t->tm_mday) -
                 days_since_1970(t->tm_year + 1900, 1, 1);
    return 0;
}

/* Locks: rtc_lock. */
static void write_registers(const struct rtc_time *t, bool bcd)
{
    const struct {
        u8 reg, val;
    } regs[] = {
        {CMOS_SECONDS, t->tm_sec},   {CMOS_MINUTES, t->tm_min},
        {CMOS_HOURS, t->tm_hour},    {CMOS_DAY, t->tm_mday},
        {CMOS_MONTH, t->tm_mon + 1}, {CMOS_YEAR, t->tm_year % 100},
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(regs); i++)
        cmos_write(regs[i].reg, bcd ? to_bcd(regs[i].val) : regs[i].val);
    cmos_write(CMOS_CENTURY, to_bcd(19 + t->tm_year / 100));
}

static int rtc_write_time(const struct rtc_time *t)
{
    u64 flags;
    u8 status;

    if (!plausible(t) || t->tm_year >= 200)
        return -EINVAL;
    flags = spin_lock_irqsave(&rtc_lock);
    status = cmos_read(CMOS_STATUS_B) | STATUS_B_24H;
    cmos_write(CMOS_STATUS_B, status | STATUS_B_SET);
    write_registers(t, !(status & STATUS_B_BINARY));
    cmos_write(CMOS_STATUS_B, status);
    spin_unlock_irqrestore(&rtc_lock, flags);
    return 0;
}

void rtc_init(void)
{
    struct rtc_time t;

    if (rtc_read_time(&t)) {
        pr_warn("rtc: no clock chip; it is 1970");
        return;
    }
    ktime_set_real(seconds_of(&t) * NSEC_PER_SEC);
}

/* --- /dev/rtc0
 * ------------------------------------------------------------------ */

static long rtc_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    void __user *user = (void __user *)arg;
    struct rtc_time t;
    int err;

    switch (cmd) {
    case RTC_RD_TIME:
        err = rtc_read_time(&t);
        if (!err && copy_to_user(user, &t, sizeof(t)))
            err = -EFAULT;
        return err;
    case RTC_SET_TIME:
        if (!capable(CAP_SYS_TIME))
            return -EACCES;
        if (copy_from_user(&t, user, sizeof(t)))
            return -EFAULT;
        return rtc_write_time(&t);
    }
    return -ENOTTY;
}

static const struct file_operations rtc_fops = {
    .ioctl = rtc_ioctl,
};

static int rtc_dev_init(void)
{
    return chrdev_register(RTC_DEV, "rtc0", 0600, &rtc_fops, NULL);
}
DRIVER_INITCALL(rtc_dev_init);
