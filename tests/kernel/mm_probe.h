/*
 * tests/kernel/mm_probe.h - an address space that nobody runs in: mapped,
 * faulted and looked at by hand.
 */
#pragma once

#include <kernel/core/ktest.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/gup.h>
#include <mm/internal.h>

#define PROBE_RW (PROT_READ | PROT_WRITE)

static inline long probe_map(struct mm_struct *mm, unsigned long addr,
                             size_t pages, int prot, int flags)
{
    struct mmap_request req = {.addr = addr,
                               .len = pages * PAGE_SIZE,
                               .prot = prot,
                               .flags = flags | MAP_ANONYMOUS};

    return do_mmap(mm, &req);
}

static inline enum fault_result probe_read(struct mm_struct *mm,
                                           unsigned long addr)
{
    return handle_mm_fault(mm, addr, FAULT_USER);
}

static inline enum fault_result probe_write(struct mm_struct *mm,
                                            unsigned long addr)
{
    return handle_mm_fault(mm, addr, FAULT_USER | FAULT_WRITE);
}

/* The entry of addr; zero if there is none at level 0. */
static inline pte_t probe_entry(struct mm_struct *mm, unsigned long addr)
{
    struct pt_cursor c;

    pt_start(&c, mm->root, addr, addr + PAGE_SIZE);
    return c.level ? (pte_t){0} : *c.slot;
}

static inline struct page *probe_page(struct mm_struct *mm, unsigned long addr)
{
    return pte_page(probe_entry(mm, addr));
}

static inline bool probe_store(struct mm_struct *mm, unsigned long addr,
                               u8 byte)
{
    return access_process_vm(mm, addr, &byte, 1, FOLL_WRITE) == 1;
}

/* The byte there, or -1. */
static inline int probe_load(struct mm_struct *mm, unsigned long addr)
{
    u8 byte;

    return access_process_vm(mm, addr, &byte, 1, 0) == 1 ? byte : -1;
}

static inline size_t probe_vmas(struct mm_struct *mm)
{
    const char *why;

    if (!vma_tree_check(mm, &why))
        ktest_note("VMA tree: %s", why);
    KTEST_EXPECT(vma_tree_check(mm, &why));
    return mm->map_count;
}
