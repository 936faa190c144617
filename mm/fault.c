/*
 * mm/fault.c - page faults: what to do about an access that the entry does
 * not allow.
 *
 *  entry      access  VMA                  action              handler
 *  any        any     none, or forbids it  SIGSEGV             -
 *  any        any     below a stack        grow it, go on      grow_to
 *  empty      read    anonymous            the zero page       fault_anon
 *  empty      write   anonymous            fresh zeroed page   fault_anon
 *  empty      read    object               its page, and what  fault_object
 *                                          is there around it
 *  empty      write   object, shared       the same, writable  fault_object
 *  empty      write   object, private      copy of its page    fault_private
 *  no table   write   anonymous, 2 MiB     a block             huge_fault
 *  read-only  write   shared               make it writable    fault_mkwrite
 *  read-only  write   private, sole owner  make it writable    make_writable
 *  read-only  write   private, zero page   fresh zeroed page   fault_anon
 *  read-only  write   private, shared      copy, replace       fault_copy
 *  read-only  write   private, device      copy its bytes      fault_copy_frame
 *  allows it  any     any                  another CPU won     fault_in_vma
 *
 * Locking  mmap_lock for reading keeps the VMA and the tables.  Handlers look
 *          at the entry, get pages without a lock, then take page_table_lock
 *          and go on only if the entry still says what it said.
 * Cost     one walk, one lock, O(log VMAs); no allocation but the page.
 * Context  may sleep; interrupts on.  In atomic context every fault fails, so
 *          that the _nofault copies come back through the exception table.
 */
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/uapi/errno.h>
#include <mm/anon_vma.h>
#include <mm/filemap.h>
#include <mm/huge.h>
#include <mm/internal.h>
#include <mm/kmap.h>
#include <mm/tlb.h>
#include <mm/uaccess.h>

#define FAULT_AROUND_PAGES 16ul /* a power of two; Linux's fault_around_bytes */

static inline bool is_write(const struct vm_fault *vmf)
{
    return vmf->flags & FAULT_WRITE;
}

static inline bool is_private(const struct vm_area_struct *vma)
{
    return !(vma->vm_flags & VM_SHARED);
}

/* Whether the entry is still what was looked at.  Locks: page_table_lock. */
static inline bool still_there(const struct vm_fault *vmf)
{
    return vmf->slot->val == vmf->seen.val;
}

static inline void count_page(struct vm_area_struct *vma, struct page *page)
{
    struct mm_struct *mm = vma->vm_mm;

    if (page_is_anon(page))
        atomic_inc(&mm->anon_pages);
    else
        atomic_inc(vma->vm_file ? &mm->file_pages : &mm->shmem_pages);
}

/*
 * Another page in an entry that shows one: no CPU sees the new one, which may
 * be written at once, while another still reads the old one.  Locks:
 * page_table_lock, so that nobody takes the empty entry for one without a
 * page; who waits for it answers the flush.
 */
static void exchange_entry(struct vm_fault *vmf, pte_t pte)
{
    vmf->slot->val = 0;
    tlb_flush_range(vmf->vma->vm_mm, vmf->address, vmf->address + PAGE_SIZE);
    vmf->slot->val = pte.val;
}

/*
 * Puts a page into an entry that was empty, or held no page; the entry takes
 * over the caller's reference.  If another CPU won, the page goes back.
 */
static vm_fault_t install_page(struct vm_fault *vmf, struct page *page,
                               pte_t pte)
{
    struct vm_area_struct *vma = vmf->vma;
    struct mm_struct *mm = vma->vm_mm;
    bool ok;

    spin_lock(&mm->page_table_lock);
    ok = still_there(vmf) &&
         (!vmf->page || !vma->vm_mapping ||
          vmf->page->mapping == vma->vm_mapping); /* not truncated meanwhile */
    if (ok) {
        atomic_inc(&page->mapcount);
        count_page(vma, page);
        if (pte_none(vmf->seen))
            vmf->slot->val = pte.val;
        else
            exchange_entry(vmf, pte);
    }
    spin_unlock(&mm->page_table_lock);
    if (!ok)
        put_page(page);
    return 0;
}

/* The entry, written to: writable unless a debugger forced its way. */
static inline pte_t written_pte(const struct vm_fault *vmf, pte_t pte)
{
    if (unlikely(!(vmf->vma->vm_flags & VM_WRITE)))
        return pte_mkdirty(pte);
    return pte_mkwrite(pte);
}

/* The entry of a private page of the process's own. */
static inline pte_t owned_pte(const struct vm_fault *vmf,
                              const struct page *page)
{
    return written_pte(vmf, pte_of_page(page, vmf->vma->vm_page_prot));
}

/* ---- nothing behind it ---- */

/* A page of the VMA's own for the address. */
static struct page *alloc_anon(const struct vm_fault *vmf, gfp_t gfp)
{
    struct page *page;

    if (anon_vma_prepare(vmf->vma) < 0)
        return NULL;
    page = alloc_pages_owner(GFP_HIGHUSER_MOVABLE | gfp, 0, OWNER_ANON);
    if (likely(page))
        anon_page_init(page, vmf->vma, vmf->address);
    return page;
}

static vm_fault_t map_zero_page(struct vm_fault *vmf)
{
    spinlock_t *lock = &vmf->vma->vm_mm->page_table_lock;
    pfn_t pfn = PFN_DOWN(__pa_symbol(&empty_zero_page));

    spin_lock(lock);
    if (still_there(vmf))
        vmf->slot->val = pte_special(pfn, vmf->vma->vm_page_prot).val;
    spin_unlock(lock);
    return 0;
}

static vm_fault_t fault_anon(struct vm_fault *vmf)
{
    struct page *page;

    if (!is_write(vmf))
        return map_zero_page(vmf);
    page = alloc_anon(vmf, __GFP_ZERO);
    if (!page)
        return VM_FAULT_OOM;
    return install_page(vmf, page, owned_pte(vmf, page));
}

/* ---- an object's page ---- */

/* Asks the object; what it may answer beside a page is passed on. */
static vm_fault_t get_object_page(struct vm_fault *vmf)
{
    vm_fault_t ret;

    if (!vmf->vma->vm_ops->fault)
        return VM_FAULT_SIGBUS;
    ret = vmf->vma->vm_ops->fault(vmf);
    if (ret & VM_FAULT_MAJOR)
        vmf->vma->vm_mm->maj_flt++;
    return ret & ~VM_FAULT_MAJOR;
}

/* The private write: the object's page is only read. */
static vm_fault_t fault_private(struct vm_fault *vmf)
{
    struct page *copy = alloc_anon(vmf, 0);
    vm_fault_t ret;

    if (!copy)
        return VM_FAULT_OOM;
    vmf->cow_page = copy;
    ret = get_object_page(vmf);
    if (ret || !vmf->page) {
        put_page(copy);
        return ret;
    }
    copy_highpage(copy, vmf->page);
    ret = install_page(vmf, copy, owned_pte(vmf, copy));
    put_page(vmf->page);
    return ret;
}

/*
 * Maps what the object has around the address, within one table and the VMA.
 * Whether the address itself is done then.
 */
static bool map_around(struct vm_fault *vmf)
{
    struct vm_area_struct *vma = vmf->vma;
    unsigned long window = FAULT_AROUND_PAGES << PAGE_SHIFT;
    unsigned long first = max(ALIGN_DOWN(vmf->address, window), vma->vm_start);
    unsigned long last =
        min(ALIGN_DOWN(vmf->address, window) + window, vma->vm_end) - PAGE_SIZE;

    vma->vm_ops->map_pages(vmf, vma_pgoff(vma, first), vma_pgoff(vma, last));
    return !pte_none(*vmf->slot);
}

static vm_fault_t fault_object(struct vm_fault *vmf)
{
    struct vm_area_struct *vma = vmf->vma;
    const struct vm_operations_struct *ops = vma->vm_ops;
    bool mkwrite = is_write(vmf) && ops->page_mkwrite;
    vm_fault_t ret;
    pte_t pte;

    if (ops->map_pages && !mkwrite && map_around(vmf))
        return 0;
    ret = get_object_page(vmf);
    if (ret || !vmf->page)
        return ret;
    if (mkwrite) {
        ret = ops->page_mkwrite(vmf);
        if (ret) {
            put_page(vmf->page);
            return ret & ~VM_FAULT_NOPAGE;
        }
    }
    pte = pte_of_page(vmf->page, vma->vm_page_prot);
    return install_page(vmf, vmf->page, is_write(vmf) ? pte_mkwrite(pte) : pte);
}

/* ---- a write to an entry that is read-only ---- */

/* Makes the entry writable, if it is the one looked at and `page` (NULL: do
 * not ask) has no owner but it.  Whether the matter is settled. */
static bool make_writable(struct vm_fault *vmf, struct page *sole)
{
    struct mm_struct *mm = vmf->vma->vm_mm;
    bool settled = true;

    spin_lock(&mm->page_table_lock);
    if (still_there(vmf)) {
        settled = !sole || atomic_read(&sole->refs) == 1;
        if (settled)
            vmf->slot->val = written_pte(vmf, vmf->seen).val;
    }
    spin_unlock(&mm->page_table_lock);
    if (settled)
        tlb_flush_local_page(vmf->address); /* others fault and come here */
    return settled;
}

/* A reference to the page that the entry shows, or NULL if it changed. */
static struct page *hold_seen_page(struct vm_fault *vmf)
{
    spinlock_t *lock = &vmf->vma->vm_mm->page_table_lock;
    struct page *page = NULL;

    spin_lock(lock);
    if (still_there(vmf)) {
        page = pte_page(vmf->seen);
        get_page(page);
    }
    spin_unlock(lock);
    return page;
}

/* The object is asked first, if it wants to be. */
static vm_fault_t fault_mkwrite(struct vm_fault *vmf)
{
    const struct vm_operations_struct *ops = vmf->vma->vm_ops;
    vm_fault_t ret = 0;

    if (ops && ops->page_mkwrite && pte_page(vmf->seen)) {
        vmf->page = hold_seen_page(vmf);
        if (!vmf->page)
            return 0;
        ret = ops->page_mkwrite(vmf);
        put_page(vmf->page);
    }
    if (!ret)
        make_writable(vmf, NULL);
    return ret & ~VM_FAULT_NOPAGE;
}

/* Exchanges the entry's page for `copy`. */
static vm_fault_t replace_page(struct vm_fault *vmf, struct page *old,
                               struct page *copy)
{
    struct vm_area_struct *vma = vmf->vma;
    struct mm_struct *mm = vma->vm_mm;
    bool ok;

    spin_lock(&mm->page_table_lock);
    ok = still_there(vmf);
    if (ok) {
        atomic_inc(&copy->mapcount);
        exchange_entry(vmf, owned_pte(vmf, copy));
    }
    spin_unlock(&mm->page_table_lock);
    if (!ok) {
        put_page(copy);
        return 0;
    }
    if (!page_is_anon(old)) {
        atomic_dec(vma->vm_file ? &mm->file_pages : &mm->shmem_pages);
        atomic_inc(&mm->anon_pages);
    }
    atomic_dec(&old->mapcount);
    put_page(old); /* the entry's */
    return 0;
}

static vm_fault_t fault_copy(struct vm_fault *vmf)
{
    struct page *old, *copy = alloc_anon(vmf, 0);
    vm_fault_t ret = 0;

    if (!copy)
        return VM_FAULT_OOM;
    old = hold_seen_page(vmf);
    if (!old) {
        put_page(copy);
        return 0;
    }
    copy_highpage(copy, old);
    ret = replace_page(vmf, old, copy);
    put_page(old);
    return ret;
}

/* A private copy of a device's frame, which has no struct page.  It is mapped
 * for reading, so the copy does not fault; should it, we give up. */
static vm_fault_t fault_copy_frame(struct vm_fault *vmf)
{
    struct page *copy = alloc_anon(vmf, 0);
    void *addr;
    size_t left;

    if (!copy)
        return VM_FAULT_OOM;
    addr = kmap_local_page(copy);
    left = copy_from_user_nofault(addr, (void __user *)vmf->address, PAGE_SIZE);
    kunmap_local(addr);
    if (left) {
        put_page(copy);
        return VM_FAULT_SIGBUS;
    }
    return install_page(vmf, copy, owned_pte(vmf, copy));
}

/* The page is being moved (mm/migrate.c) and looks shared: not to copy it,
 * the access is tried again when that is done. */
static vm_fault_t wait_moved(struct vm_area_struct *vma)
{
    rmap_hold(NULL, vma->anon_vma);
    rmap_release(NULL, vma->anon_vma);
    return 0;
}

static vm_fault_t fault_write_protected(struct vm_fault *vmf)
{
    struct page *page = pte_page(vmf->seen);

    if (!is_private(vmf->vma))
        return fault_mkwrite(vmf);
    if (!page) {
        if (pte_pfn(vmf->seen) == PFN_DOWN(__pa_symbol(&empty_zero_page)))
            return fault_anon(vmf);
        return fault_copy_frame(vmf);
    }
    if (page_is_anon(page)) {
        if (atomic_read(&page->refs) == 1 && make_writable(vmf, page))
            return 0;
        if (unlikely(page_test(page, PG_locked)))
            return wait_moved(vmf->vma);
    }
    return fault_copy(vmf);
}

/* ---- the decision ---- */

static vm_fault_t fault_on_huge(struct vm_area_struct *vma, unsigned long addr,
                                u32 flags, pte_t seen)
{
    if (flags & FAULT_WRITE && !pte_write(seen)) {
        if (unlikely(page_test(pfn_to_page(pte_pfn(seen)), PG_locked)))
            return wait_moved(vma);
        return huge_write_protected(vma, addr, seen);
    }
    tlb_flush_local_page(addr);
    return 0;
}

vm_fault_t fault_in_vma(struct vm_area_struct *vma, unsigned long addr,
                        u32 flags)
{
    struct vm_fault vmf = {
        .vma = vma, .address = addr & PAGE_MASK, .flags = flags};
    struct pt_cursor c;
    int err;

    pt_start(&c, vma->vm_mm->root, vmf.address, vmf.address + PAGE_SIZE);
    if (unlikely(c.level)) {
        if (pt_at_huge(&c))
            return fault_on_huge(vma, addr, flags, *c.slot);
        if (is_write(&vmf) && huge_fault(vma, &c))
            return 0;
        err = userpt_grow(vma->vm_mm, &c);
        if (err) /* -EEXIST: a block came meanwhile */
            return err == -ENOMEM ? VM_FAULT_OOM : 0;
    }
    vmf.slot = c.slot;
    vmf.seen.val = READ_ONCE(c.slot->val);
    if (pte_none(vmf.seen)) {
        if (vma_is_anonymous(vma))
            return fault_anon(&vmf);
        vmf.pgoff = vma_pgoff(vma, addr);
        if (is_write(&vmf) && is_private(vma))
            return fault_private(&vmf);
        return fault_object(&vmf);
    }
    if (is_write(&vmf) && !pte_write(vmf.seen))
        return fault_write_protected(&vmf);
    tlb_flush_local_page(vmf.address); /* spurious: a stale translation */
    return 0;
}

static bool access_allowed(const struct vm_area_struct *vma, u32 flags)
{
    if (flags & FAULT_WRITE)
        return vma->vm_flags & VM_WRITE;
    if (flags & FAULT_EXEC)
        return vma->vm_flags & VM_EXEC;
    /* A page that is there can always be read, unless it is not the user's. */
    return !(flags & FAULT_PRESENT) && vma->vm_flags & VM_ACCESS;
}

/*
 * find_vma for a fault below a stack: grows it under the write lock, which is
 * then turned into the reader's that the caller had.
 */
static struct vm_area_struct *grow_to(struct mm_struct *mm, unsigned long addr)
{
    struct vm_area_struct *vma;

    up_read(&mm->mmap_lock);
    down_write(&mm->mmap_lock);
    vma = find_vma(mm, addr);
    if (vma && vma->vm_start > addr &&
        (!(vma->vm_flags & VM_GROWSDOWN) || vma_expand_down(vma, addr) < 0))
        vma = NULL;
    downgrade_write(&mm->mmap_lock);
    return vma;
}

static enum fault_result fault_locked(struct mm_struct *mm, unsigned long addr,
                                      u32 flags)
{
    struct vm_area_struct *vma = find_vma(mm, addr);
    vm_fault_t ret;

    if (unlikely(vma && vma->vm_start > addr))
        vma = vma->vm_flags & VM_GROWSDOWN ? grow_to(mm, addr) : NULL;
    if (unlikely(!vma))
        return FAULT_MAPERR;
    if (unlikely(!access_allowed(vma, flags)))
        return FAULT_ACCERR;
    ret = fault_in_vma(vma, addr, flags);
    if (likely(!ret || ret == VM_FAULT_NOPAGE)) {
        mm->min_flt++;
        return FAULT_OK;
    }
    if (ret & VM_FAULT_OOM)
        return FAULT_OOM;
    return ret & VM_FAULT_SIGBUS ? FAULT_SIGBUS : FAULT_MAPERR;
}

enum fault_result handle_mm_fault(struct mm_struct *mm, unsigned long addr,
                                  u32 error_code)
{
    enum fault_result result;

    if (unlikely(addr >= user_limit()))
        return FAULT_MAPERR;
    if (unlikely(error_code & FAULT_RSVD))
        panic("reserved bit in the page table at user address %#lx", addr);
    /* A uaccess while current itself holds the lock fails, not deadlocks. */
    if (unlikely(this_cpu_read(atomic_depth) ||
                 (mm->mmap_lock.writer &&
                  mm->mmap_lock.writer == this_cpu_read(current_task))))
        return FAULT_MAPERR;
    down_read(&mm->mmap_lock);
    result = fault_locked(mm, addr, error_code);
    up_read(&mm->mmap_lock);
    return result;
}

int vma_expand_down(struct vm_area_struct *vma, unsigned long addr)
{
    struct mm_struct *mm = vma->vm_mm;
    const struct vm_area_struct *prev = vma->vm_prev;
    u64 pages;

    addr &= PAGE_MASK;
    pages = (vma->vm_start - addr) >> PAGE_SHIFT;
    if (addr < mmap_min_addr)
        return -EPERM;
    if (prev && !(prev->vm_flags & VM_GROWSDOWN) &&
        prev->vm_flags & VM_ACCESS && addr - prev->vm_end < STACK_GUARD_GAP)
        return -ENOMEM;
    if (vma->vm_end - addr > mm->limits.stack ||
        !mm_may_expand(mm, vma->vm_flags, pages))
        return -ENOMEM;
    if (vma->vm_pgoff < pages) /* it was moved here from a lower place */
        return -ENOMEM;
    if (vma->vm_flags & VM_ACCOUNT && vm_commit(mm, pages) < 0)
        return -ENOMEM;
    rmap_hold(vma->vm_mapping, vma->anon_vma);
    vma_resize(vma, addr, vma->vm_end);
    rmap_release(vma->vm_mapping, vma->anon_vma);
    mm_account(mm, vma->vm_flags, pages);
    return 0;
}
