/*
 * drivers/acpi/tables.c - finding and mapping ACPI tables.
 *
 * Structure  acpi_init keeps signature, address and length of every table
 *            that the root table lists; bytes are mapped when asked for.
 * Cost       a mapping per table at start-up; DSDT and MCFG only when needed.
 * Context    process; may sleep.
 */
#include <drivers/acpi/tables.h>
#include <kernel/core/printk.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <mm/io.h>

#define TABLES_MAX 32
#define BIOS_AREA 0xe0000 /* ACPI 6.4, 5.2.5.1: here or in the EBDA */
#define BIOS_AREA_SIZE 0x20000
#define EBDA_SEGMENT 0x40e /* BIOS data area: where the EBDA is, >> 4 */
#define EBDA_SEARCH 1024

#define LAPIC_DEFAULT 0xfee00000
#define IOAPIC_DEFAULT 0xfec00000
#define APIC_REGS_SIZE 0x1000
#define HPET_REGS_SIZE 0x400

static struct acpi_table {
    struct acpi_header header;
    phys_addr_t phys;
} tables[TABLES_MAX];
static size_t nr_tables;

static void add_table(phys_addr_t phys)
{
    const void *map =
        phys ? memremap(phys, ACPI_HEADER_SIZE, MEMREMAP_RO) : NULL;
    struct acpi_table *table = &tables[nr_tables];

    if (!map) {
        pr_warn("ACPI: cannot map a table at %#llx", (unsigned long long)phys);
        return;
    }
    if (acpi_parse_header(map, &table->header)) {
        pr_warn("ACPI: what lies at %#llx is no table",
                (unsigned long long)phys);
    } else {
        table->phys = phys;
        nr_tables++;
    }
    memunmap((void *)map);
}

/* The bytes of a table, checked; NULL, said in words, if they are wrong. */
static const void *map_checked(phys_addr_t phys, const char *signature,
                               size_t *len)
{
    struct acpi_header header;
    const void *map = memremap(phys, ACPI_HEADER_SIZE, MEMREMAP_RO);
    int err;

    if (!map)
        return NULL;
    err = acpi_parse_header(map, &header);
    memunmap((void *)map);
    if (err) {
        pr_warn("ACPI: no table %s at %#llx", signature,
                (unsigned long long)phys);
        return NULL;
    }
    map = memremap(phys, header.length, MEMREMAP_RO);
    if (!map)
        return NULL;
    if (acpi_check_table(map, header.length, signature)) {
        pr_warn("ACPI: table %s at %#llx has a wrong name or checksum; "
                "not used",
                signature, (unsigned long long)phys);
        memunmap((void *)map);
        return NULL;
    }
    *len = header.length;
    return map;
}

static void read_root(const struct acpi_root *root)
{
    size_t len;
    const void *map =
        map_checked(root->table, root->wide ? "XSDT" : "RSDT", &len);

    if (!map)
        return;
    for (size_t i = 0; i < acpi_root_entries(map, len, root->wide); i++)
        if (nr_tables < TABLES_MAX)
            add_table(acpi_root_entry(map, i, root->wide));
    memunmap((void *)map);
}

static bool search(phys_addr_t start, size_t size, struct acpi_root *root)
{
    const u8 *map = memremap(start, size, MEMREMAP_RO);
    bool found = false;

    for (size_t at = 0; map && !found && at + ACPI_RSDP_SIZE <= size; at += 16)
        found = acpi_parse_rsdp(map + at, ACPI_RSDP_SIZE, root) == 0;
    if (map)
        memunmap((void *)map);
    return found;
}

static bool search_bios(struct acpi_root *root)
{
    const u8 *bda = memremap(0, EBDA_SEGMENT + 2, MEMREMAP_RO);
    phys_addr_t ebda = 0;

    if (bda) {
        ebda = (phys_addr_t)(bda[EBDA_SEGMENT] | bda[EBDA_SEGMENT + 1] << 8)
               << 4;
        memunmap((void *)bda);
    }
    return (ebda >= 0x80000 && ebda < 0xa0000 &&
            search(ebda, EBDA_SEARCH, root)) ||
           search(BIOS_AREA, BIOS_AREA_SIZE, root);
}

static bool root_at(phys_addr_t rsdp, struct acpi_root *root)
{
    const void *map = memremap(rsdp, ACPI_RSDP_SIZE, MEMREMAP_RO);
    bool found = map && acpi_parse_rsdp(map, ACPI_RSDP_SIZE, root) == 0;

    if (map)
        memunmap((void *)map);
    return found;
}

void acpi_init(phys_addr_t rsdp, const u8 *copy)
{
    struct acpi_root root;
    char names[5 * TABLES_MAX + 1] = "";

    if (!(copy && acpi_parse_rsdp(copy, ACPI_RSDP_SIZE, &root) == 0) &&
        !(rsdp && root_at(rsdp, &root)) && !search_bios(&root)) {
        pr_warn("ACPI: no tables found");
        return;
    }
    read_root(&root);
    for (size_t i = 0; i < nr_tables; i++) {
        names[5 * i] = ' ';
        memcpy(names + 5 * i + 1, tables[i].header.signature, 5);
    }
    pr_info("ACPI:%s", names);
}

const void *acpi_map(const char *signature, size_t *len)
{
    for (size_t i = 0; i < nr_tables; i++)
        if (memcmp(tables[i].header.signature, signature, 4) == 0)
            return map_checked(tables[i].phys, signature, len);
    return NULL;
}

void acpi_unmap(const void *table)
{
    memunmap((void *)table);
}

static void default_irq_hardware(struct irq_hardware *hw)
{
    memset(hw, 0, sizeof(*hw));
    hw->lapic_phys = LAPIC_DEFAULT;
    hw->nr_cpus = 1;
    hw->nr_ioapics = 1;
    hw->ioapic[0].phys = IOAPIC_DEFAULT;
    hw->has_8259 = true;
    hw->nr_overrides = 1; /* the PIT is at input 2 on PCs with an I/O APIC */
    hw->override[0].gsi = 2;
}

/* Registers, with their line in /proc/iomem. */
static void __iomem *map_registers(phys_addr_t phys, size_t size,
                                   const char *name)
{
    if (!request_mem_region(phys, size, name))
        pr_warn("ACPI: %s at %#llx: somebody else has requested that", name,
                (unsigned long long)phys);
    return ioremap(phys, size);
}

void acpi_irq_hardware(struct irq_hardware *hw)
{
    size_t len;
    const void *madt = acpi_map("APIC", &len);

    if (!madt || acpi_parse_madt(madt, len, hw)) {
        pr_warn("ACPI: no usable MADT; assuming one CPU and one I/O APIC");
        default_irq_hardware(hw);
    }
    if (madt)
        acpi_unmap(madt);
    if (cpu_has(CPU_APIC) && !cpu_has(CPU_X2APIC))
        hw->lapic = map_registers(hw->lapic_phys, APIC_REGS_SIZE, "Local APIC");
    for (unsigned int i = 0; i < hw->nr_ioapics;) {
        hw->ioapic[i].regs =
            map_registers(hw->ioapic[i].phys, APIC_REGS_SIZE, "IOAPIC");
        if (hw->ioapic[i].regs)
            i++;
        else /* the last one takes its place */
            hw->ioapic[i] = hw->ioapic[--hw->nr_ioapics];
    }
}

void acpi_time_hardware(struct time_hardware *hw)
{
    struct acpi_fadt fadt;
    size_t len;
    const void *hpet = acpi_map("HPET", &len);
    u64 phys;

    memset(hw, 0, sizeof(*hw));
    if (hpet && acpi_parse_hpet(hpet, len, &phys) == 0)
        hw->hpet = map_registers(phys, HPET_REGS_SIZE, "HPET");
    if (hpet)
        acpi_unmap(hpet);
    if (acpi_fadt(&fadt)) {
        hw->pm_timer_port = fadt.pm_timer;
        hw->pm_timer_32bit = fadt.pm_timer_32bit;
    }
}

bool acpi_fadt(struct acpi_fadt *fadt)
{
    size_t len;
    const void *table = acpi_map("FACP", &len);
    bool ok = table && acpi_parse_fadt(table, len, fadt) == 0;

    if (table)
        acpi_unmap(table);
    return ok;
}

int acpi_s5(struct acpi_sleep *sleep)
{
    struct acpi_fadt fadt;
    const void *dsdt;
    size_t len;
    int err;

    if (!acpi_fadt(&fadt) || !fadt.dsdt)
        return -ENOENT;
    dsdt = map_checked(fadt.dsdt, "DSDT", &len);
    if (!dsdt)
        return -EINVAL;
    err = acpi_find_s5(dsdt, len, sleep);
    acpi_unmap(dsdt);
    return err;
}

int acpi_ecam(struct acpi_ecam ecam[ACPI_ECAM_MAX])
{
    size_t len;
    const void *table = acpi_map("MCFG", &len);
    int n = table ? acpi_parse_mcfg(table, len, ecam) : 0;

    if (table)
        acpi_unmap(table);
    return n > 0 ? n : 0;
}
