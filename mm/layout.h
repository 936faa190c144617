/*
 * mm/layout.h - the address map: Linux's, and the only place that draws it.
 *
 * Usable from C, nasm (through build/offsets.inc) and linker.ld.  k / u: what
 * the kernel and ring 3 may do there.
 *
 *  4 levels              5 levels             size (4/5)   region        k / u
 *  ffff_ffff_ff00_0000   the same             ~16 MiB      FIXMAP        rw / -
 *  ffff_ffff_a000_0000   the same             1520 MiB     MODULES       rwx/ -
 *  ffff_ffff_8000_0000   the same             512 MiB      KERNEL image rx rw/-
 *  ffff_fe00_0000_0000   the same             512 GiB      CPU ENTRY     r  / -
 *  ffff_ec00_0000_0000   ffdf_0000_...        16 TiB/8 PiB KASAN shadow  -- / -
 *  ffff_ea00_0000_0000   ffd4_0000_0000_0000  1 TiB/0.5PiB VMEMMAP       rw / -
 *  ffff_c900_0000_0000   ffa0_0000_0000_0000  32 TiB/12.5P VMALLOC       rw / -
 *  ffff_8880_0000_0000   ff11_0000_0000_0000  64 TiB/32PiB DIRECT map    rw / -
 *      ------------------- non-canonical hole -------------------
 *  0000_0000_0000_0000                        128 TiB/64PiB USER         -- / *
 *
 * Invariant: every top-level slot that the direct map of installed RAM,
 * vmalloc or vmemmap can use is filled at boot and never changes afterwards,
 * so cloning the master table is one copy of 256 entries and no process ever
 * lags behind it (unless vmalloc_sync=lazy asks for the old picture).
 */
#pragma once

#define KERNEL_BASE 0xffffffff80000000 /* virtual = physical + this */
#define KERNEL_IMAGE_SIZE 0x20000000
#define KERNEL_LOAD_PHYS 0x100000 /* where the image starts */
#define MODULES_START 0xffffffffa0000000
#define MODULES_END 0xffffffffff000000
#define FIXMAP_TOP 0xffffffffff600000 /* grows down from here */
#define CPU_ENTRY_AREA_BASE 0xfffffe0000000000

#define DIRECT_BASE_4L 0xffff888000000000
#define DIRECT_BASE_5L 0xff11000000000000
#define VMALLOC_BASE_4L 0xffffc90000000000
#define VMALLOC_BASE_5L 0xffa0000000000000
#define VMALLOC_SIZE_4L 0x0000200000000000 /* 32 TiB */
#define VMALLOC_SIZE_5L 0x0032000000000000 /* 12.5 PiB */
#define VMEMMAP_BASE_4L 0xffffea0000000000
#define VMEMMAP_BASE_5L 0xffd4000000000000
#define PHYS_LIMIT 0x0000400000000000 /* RAM above 64 TiB is not used */

#define TASK_SIZE_4L 0x00007ffffffff000 /* first byte ring 3 may not map */
#define TASK_SIZE_5L 0x00fffffffffff000
#define TASK_SIZE TASK_SIZE_4L /* as on Linux unless a hint asks for more */

#ifndef __ASSEMBLER__
#include <mm/types.h>

/* Chosen once at boot from CPUID and "no5lvl"; constant afterwards. */
extern unsigned int pgtable_levels; /* 4 or 5 */
extern unsigned long page_offset;   /* DIRECT_BASE_* */
extern unsigned long vmalloc_start, vmalloc_end;
extern unsigned long vmemmap_base;

#define PAGE_OFFSET page_offset
#define VMALLOC_START vmalloc_start
#define VMALLOC_END vmalloc_end

/* The linker's marks (linker.ld). */
extern char __kernel_start[], __text_start[], __text_end[];
extern char __entry_text_start[], __entry_text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __percpu_start[], __percpu_end[];
extern char __init_start[], __init_text_end[], __init_end[];
extern char __selftest_start[], __selftest_text_end[], __selftest_end[];
extern char boot_stack[], boot_stack_end[]; /* the first CPU's, from entry on */
extern char __bss_start[], __bss_end[], __kernel_end[];

/* Kernel logical addresses (direct map) only; see virt_addr_valid(). */
static inline phys_addr_t __pa(const volatile void *va)
{
    return (unsigned long)va - page_offset;
}

static inline void *__va(phys_addr_t pa)
{
    return (void *)(pa + page_offset);
}

/* The same, as drivers say it. */
static inline phys_addr_t virt_to_phys(const volatile void *va)
{
    return __pa(va);
}

static inline void *phys_to_virt(phys_addr_t pa)
{
    return __va(pa);
}

/* Addresses inside the kernel image only. */
static inline phys_addr_t __pa_symbol(const volatile void *va)
{
    return (unsigned long)va - KERNEL_BASE;
}
#endif
