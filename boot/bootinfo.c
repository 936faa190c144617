/*
 * boot/bootinfo.c - multiboot2's tags or PVH's structure, made into bootinfo.
 *
 * Both lie in memory that the firmware map may call usable, anywhere below
 * 4 GiB, so everything is copied before anybody allocates.  Malformed input
 * (a tag of size 0, a table that is not there) ends the walk and is said in
 * the log; a loader that gave no memory map at all is a panic in words.
 *
 * Formats: Multiboot2 Specification 2.0, 3.6; Xen public/arch-x86/hvm/
 * start_info.h (the PVH start structure).
 */
#include <boot/bootinfo.h>
#include <kernel/core/boottime.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <mm/physmap.h>

#define MB2_LOADER_MAGIC 0x36d76289
#define PVH_START_MAGIC 0x336ec578
#define BDA_EBDA_SEGMENT 0x40e
#define BDA_VIDEO_MODE 0x449
#define BDA_CRTC_PORT 0x463

enum mb2_tag_type {
    MB2_END = 0,
    MB2_CMDLINE = 1,
    MB2_LOADER_NAME = 2,
    MB2_MODULE = 3,
    MB2_MMAP = 6,
    MB2_EFI32 = 11,
    MB2_EFI64 = 12,
    MB2_ACPI_OLD = 14,
    MB2_ACPI_NEW = 15,
    MB2_EFI_MMAP = 17,
};

struct mb2_tag {
    u32 type, size; /* bytes with this head; the next one is 8-aligned */
    u8 data[];
};

struct mb2_module {
    u32 start, end;
    char cmdline[];
};

struct mb2_mmap {
    u32 entry_size, entry_version;
    u8 entries[];
};

struct mb2_mmap_entry {
    u64 addr, len;
    u32 type, reserved;
};

struct pvh_start {
    u32 magic, version, flags, nr_modules;
    u64 modules, cmdline, rsdp;
    u64 memmap; /* version 1 and later */
    u32 memmap_entries, reserved;
};

struct pvh_module {
    u64 addr, size, cmdline, reserved;
};

struct pvh_memmap_entry {
    u64 addr, size;
    u32 type, reserved;
};

struct bootinfo bootinfo;

static unsigned int nr_ram __initdata; /* ranges of RAM the loader named */

/* Loader memory: below 4 GiB, mapped at its own address for now.  The
 * compiler must not reason about small addresses. */
static __init const void *loader_memory(u64 phys)
{
    const void *p = (const void *)phys;

    __asm__("" : "+r"(p));
    return p;
}

static __init void add_range(u64 start, u64 len, u32 type)
{
    if (!len)
        return;
    if (start + len < start)
        len = -start;
    if (type < PHYS_RAM || type > PHYS_BAD)
        type = PHYS_RESERVED;
    nr_ram += type == PHYS_RAM;
    physmap_add(start, start + len, type);
}

static __init void set_initrd(u64 start, u64 end)
{
    if (bootinfo.initrd_end || end <= start) {
        pr_warn("boot: module at %#llx-%#llx ignored",
                (unsigned long long)start, (unsigned long long)end);
        return;
    }
    bootinfo.initrd_start = start;
    bootinfo.initrd_end = end;
}

static __init void mb2_memory(const struct mb2_tag *tag)
{
    const struct mb2_mmap *map = (const void *)tag->data;
    const u8 *end = (const u8 *)tag + tag->size;
    const u8 *at = map->entries;

    if (map->entry_size < sizeof(struct mb2_mmap_entry))
        return;
    for (; at + map->entry_size <= end; at += map->entry_size) {
        const struct mb2_mmap_entry *entry = (const void *)at;

        add_range(entry->addr, entry->len, entry->type);
    }
}

static __init void mb2_rsdp(const struct mb2_tag *tag)
{
    size_t n =
        min((size_t)tag->size - sizeof(*tag), sizeof(bootinfo.rsdp_copy));

    if (bootinfo.has_rsdp_copy && tag->type == MB2_ACPI_OLD)
        return; /* the new one says more */
    memset(bootinfo.rsdp_copy, 0, sizeof(bootinfo.rsdp_copy));
    memcpy(bootinfo.rsdp_copy, tag->data, n);
    bootinfo.has_rsdp_copy = true;
}

/* GRUB puts a backslash before each quote and backslash of a word. */
static __init void unescape(char *text)
{
    char *to = text;

    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        *to++ = *text;
    }
    *to = '\0';
}

static __init void mb2_tag(const struct mb2_tag *tag)
{
    const struct mb2_module *module = (const void *)tag->data;

    switch (tag->type) {
    case MB2_CMDLINE:
        strscpy(bootinfo.cmdline, (const char *)tag->data,
                sizeof(bootinfo.cmdline));
        unescape(bootinfo.cmdline);
        break;
    case MB2_LOADER_NAME:
        strscpy(bootinfo.loader, (const char *)tag->data,
                sizeof(bootinfo.loader));
        break;
    case MB2_MODULE:
        set_initrd(module->start, module->end);
        break;
    case MB2_MMAP:
        mb2_memory(tag);
        break;
    case MB2_EFI32:
    case MB2_EFI64:
    case MB2_EFI_MMAP:
        bootinfo.firmware = "UEFI";
        break;
    case MB2_ACPI_OLD:
    case MB2_ACPI_NEW:
        mb2_rsdp(tag);
        break;
    }
}

static __init void parse_multiboot2(phys_addr_t info)
{
    const u8 *start = loader_memory(info);
    u32 total = *(const u32 *)start;
    u32 at = 8;

    bootinfo.protocol = "multiboot2";
    bootinfo.firmware = "BIOS";
    while (at + sizeof(struct mb2_tag) <= total) {
        const struct mb2_tag *tag = (const void *)(start + at);

        if (tag->type == MB2_END || tag->size < sizeof(*tag) ||
            tag->size > total - at)
            break;
        mb2_tag(tag);
        at = ALIGN_UP(at + tag->size, 8);
    }
}

static __init void parse_pvh(phys_addr_t info)
{
    const struct pvh_start *start = loader_memory(info);
    const struct pvh_module *modules = loader_memory(start->modules);
    const struct pvh_memmap_entry *map = loader_memory(start->memmap);

    bootinfo.protocol = "PVH";
    bootinfo.firmware = "none";
    strscpy(bootinfo.loader, "PVH", sizeof(bootinfo.loader));
    bootinfo.rsdp = start->rsdp;
    if (start->cmdline)
        strscpy(bootinfo.cmdline, loader_memory(start->cmdline),
                sizeof(bootinfo.cmdline));
    if (start->modules)
        for (u32 i = 0; i < start->nr_modules; i++)
            set_initrd(modules[i].addr, modules[i].addr + modules[i].size);
    if (start->version >= 1 && start->memmap)
        for (u32 i = 0; i < start->memmap_entries; i++)
            add_range(map[i].addr, map[i].size, map[i].type);
}

/* What only a PC BIOS leaves in its data area. */
static __init void look_at_bios(void)
{
    const u8 *bda = loader_memory(0);
    u16 ebda = *(const u16 *)(bda + BDA_EBDA_SEGMENT);
    u16 crtc = *(const u16 *)(bda + BDA_CRTC_PORT);

    if (strcmp(bootinfo.firmware, "UEFI") == 0)
        return;
    if (ebda >= 0x8000 && ebda < 0xa000)
        bootinfo.firmware = "BIOS";
    bootinfo.vga_text = crtc == 0x3d4 && (bda[BDA_VIDEO_MODE] & ~1) == 2;
}

__init void bootinfo_init(u32 magic, phys_addr_t info)
{
    bootinfo.entry_tsc = boot_entry_tsc;
    if (magic == MB2_LOADER_MAGIC)
        parse_multiboot2(info);
    else
        parse_pvh(info);
    look_at_bios();
    if (!nr_ram)
        panic("the loader (%s) gave no memory map with usable RAM in it",
              bootinfo.protocol);
    if (bootinfo.initrd_end)
        physmap_reserve(bootinfo.initrd_start, bootinfo.initrd_end,
                        "initramfs");
}
