/*
 * kernel/fs/proc_page.c - /proc/kpagecount, kpageflags: 8 bytes per frame of
 * physical memory, in Linux's meaning.
 *
 * A read hands out whole entries and ends with the last frame of RAM.  Frames
 * that are no RAM, or not online, read as 0.
 */
#include <kernel/fs/proc_mm.h>
#include <kernel/fs/pseudo.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/page_flags.h>
#include <mm/page.h>
#include <mm/physmap.h>
#include <mm/uaccess.h>
#include <mm/zone.h>

typedef u64 frame_fn(const struct page *page);

static u64 frame_count(const struct page *page)
{
    int n = page_mapcount((struct page *)page);

    return n > 0 ? n : 0;
}

static u64 frame_flags(const struct page *page)
{
    static const struct {
        enum page_flags ours;
        u8 theirs;
    } bits[] = {
        {PG_locked, KPF_LOCKED},      {PG_dirty, KPF_DIRTY},
        {PG_uptodate, KPF_UPTODATE},  {PG_lru, KPF_LRU},
        {PG_slab, KPF_SLAB},          {PG_buddy, KPF_BUDDY},
        {PG_head, KPF_COMPOUND_HEAD}, {PG_tail, KPF_COMPOUND_TAIL},
    };
    u64 flags = 0;

    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        if (page_test(page, bits[i].ours))
            flags |= BIT(bits[i].theirs);
    if (page_owner_of((struct page *)page) == OWNER_ANON)
        flags |= BIT(KPF_ANON) | BIT(KPF_SWAPBACKED);
    if (page_owner_of((struct page *)page) == OWNER_PAGETABLE)
        flags |= BIT(KPF_PGTABLE);
    if (frame_count(page))
        flags |= BIT(KPF_MMAP);
    return flags;
}

static u64 frame_value(pfn_t pfn, frame_fn *value)
{
    if (value == frame_flags && !pfn_valid(pfn))
        return BIT(KPF_NOPAGE);
    return pfn_valid(pfn) ? value(pfn_to_page(pfn)) : 0;
}

static ssize_t read_frames(char __user *buf, size_t count, loff_t *pos,
                           frame_fn *value)
{
    pfn_t pfn = *pos / 8, end = PFN_UP(physmap_ram_end());
    size_t done = 0;

    if (*pos < 0 || *pos % 8 || count % 8)
        return -EINVAL;
    for (; done < count && pfn < end; pfn++, done += 8) {
        u64 val = frame_value(pfn, value);

        if (copy_to_user(buf + done, &val, sizeof(val)))
            return done ? (ssize_t)done : -EFAULT;
    }
    *pos += done;
    return done;
}

static ssize_t kpagecount_read(struct file *file, char __user *buf,
                               size_t count, loff_t *pos)
{
    return read_frames(buf, count, pos, frame_count);
}

static ssize_t kpageflags_read(struct file *file, char __user *buf,
                               size_t count, loff_t *pos)
{
    return read_frames(buf, count, pos, frame_flags);
}

static const struct file_operations kpagecount_fops = {
    .read = kpagecount_read, .llseek = generic_llseek};
static const struct file_operations kpageflags_fops = {
    .read = kpageflags_read, .llseek = generic_llseek};
static const struct pseudo_ops kpagecount_ops = {.fops = &kpagecount_fops};
static const struct pseudo_ops kpageflags_ops = {.fops = &kpageflags_fops};

void proc_page_init(void)
{
    pseudo_create(proc_root, "kpagecount", 0400, &kpagecount_ops, NULL);
    pseudo_create(proc_root, "kpageflags", 0400, &kpageflags_ops, NULL);
}
