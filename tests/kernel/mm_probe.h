/*
 * tests/kernel/mm_probe.h - an address space that nobody runs in: mapped,
 * faulted and looked at by hand.
 */
#pragma once

#include <kernel/core/ktest.h>
#include <kernel/uapi/errno.h>
#include <kernel/uapi/mman.h>
#include <mm/check.h>
#include <mm/gup.h>
#include <mm/internal.h>

#define PROBE_RW (PROT_READ | PROT_WRITE)

/* An address space whose pages can be counted: none of 2 MiB. */
static inline struct mm_struct *probe_mm(void)
{
    struct mm_struct *mm = mm_create();

    if (mm)
        mm->no_huge_pages = true;
    return mm;
}

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

/* Everything about it is as it says; findings become notes. */
static inline bool probe_is_sound(struct mm_struct *mm)
{
    struct printer_buf notes;
    char text[160];

    printer_buf_init(&notes, text, sizeof(text));
    if (!mm_check(mm, &notes.out))
        return true;
    ktest_note("%s", text);
    return false;
}

static inline size_t probe_vmas(struct mm_struct *mm)
{
    KTEST_EXPECT(probe_is_sound(mm));
    return mm->map_count;
}

/* Random calls and accesses in [base, base + span pages), some by a child. */
static inline void probe_random_work(struct mm_struct *mm, unsigned long base,
                                     size_t span, int rounds)
{
    const int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    struct mm_struct *child = NULL;

    for (int i = 0; i < rounds; i++) {
        size_t page = ktest_random() % span;
        size_t n = 1 + ktest_random() % (span - page);
        unsigned long addr = base + page * PAGE_SIZE;
        unsigned long other = base + ktest_random() % span * PAGE_SIZE;

        switch (ktest_random() % 8) {
        case 0:
            do_munmap(mm, addr, n * PAGE_SIZE);
            break;
        case 1:
            do_mprotect(mm, addr, n * PAGE_SIZE, ktest_random() & 3);
            break;
        case 2:
            do_mremap(mm, addr, n * PAGE_SIZE, n * PAGE_SIZE, fixed, other);
            break;
        case 3:
            do_madvise(mm, addr, n * PAGE_SIZE, MADV_DONTNEED);
            break;
        case 4:
            if (child)
                mm_put(child);
            child = NULL;
            if (ktest_random() % 2 && mm_fork(mm, &child) < 0)
                ktest_note("fork failed");
            break;
        case 5:
            probe_map(mm, addr, n, PROBE_RW, MAP_FIXED | MAP_SHARED);
            break;
        default:
            probe_map(mm, addr, n, PROBE_RW,
                      MAP_FIXED | MAP_PRIVATE |
                          (ktest_random() % 4 ? 0 : MAP_POPULATE));
        }
        if (i % 64 == 0)
            KTEST_EXPECT(probe_is_sound(mm) &&
                         (!child || probe_is_sound(child)));
        for (int j = 0; j < 4; j++) {
            addr = base + ktest_random() % span * PAGE_SIZE;
            handle_mm_fault(child && j % 2 ? child : mm, addr,
                            FAULT_USER | FAULT_WRITE);
        }
    }
    if (child)
        mm_put(child);
}
