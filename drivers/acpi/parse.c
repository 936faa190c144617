/*
 * drivers/acpi/parse.c - see the header.
 *
 * Fields are read by offset through get8() to get64(), because tables are
 * packed and need not be aligned.
 */
#include <drivers/acpi/parse.h>
#include <kernel/lib/string.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/apic.h>

#define MADT_ENTRIES 44
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_LAPIC_ADDRESS 5
#define MADT_X2APIC 9
#define MADT_CPU_ENABLED BIT(0)
#define MADT_HAS_8259 BIT(0)

#define FADT_V1_SIZE 116
#define FADT_RESET_END 129
#define FADT_X_DSDT_END 148
#define FADT_TIMER_32BIT BIT(8)
#define FADT_HAS_RESET BIT(10)
#define FADT_8042 BIT(1) /* of the boot architecture flags */

#define HPET_SIZE 56
#define MCFG_ENTRIES 44
#define MCFG_ENTRY_SIZE 16

static u8 get8(const void *table, size_t offset)
{
    return ((const u8 *)table)[offset];
}

static u16 get16(const void *table, size_t offset)
{
    u16 val;

    memcpy(&val, (const u8 *)table + offset, sizeof(val));
    return val;
}

static u32 get32(const void *table, size_t offset)
{
    u32 val;

    memcpy(&val, (const u8 *)table + offset, sizeof(val));
    return val;
}

static u64 get64(const void *table, size_t offset)
{
    u64 val;

    memcpy(&val, (const u8 *)table + offset, sizeof(val));
    return val;
}

static bool sum_is_zero(const void *bytes, size_t len)
{
    u8 sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += get8(bytes, i);
    return sum == 0;
}

int acpi_parse_rsdp(const void *rsdp, size_t len, struct acpi_root *root)
{
    if (len < ACPI_RSDP_V1_SIZE || memcmp(rsdp, "RSD PTR ", 8) ||
        !sum_is_zero(rsdp, ACPI_RSDP_V1_SIZE))
        return -EINVAL;
    if (len >= ACPI_RSDP_SIZE && get8(rsdp, 15) >= 2 && get64(rsdp, 24) &&
        sum_is_zero(rsdp, ACPI_RSDP_SIZE))
        *root = (struct acpi_root){get64(rsdp, 24), true};
    else
        *root = (struct acpi_root){get32(rsdp, 16), false};
    return root->table ? 0 : -EINVAL;
}

int acpi_parse_header(const void *table, struct acpi_header *header)
{
    u32 length = get32(table, 4);

    if (length < ACPI_HEADER_SIZE || length > ACPI_TABLE_MAX)
        return -EINVAL;
    memcpy(header->signature, table, 4);
    header->signature[4] = '\0';
    header->length = length;
    return 0;
}

int acpi_check_table(const void *table, size_t len, const char *signature)
{
    if (len < ACPI_HEADER_SIZE || get32(table, 4) != len ||
        memcmp(table, signature, 4) || !sum_is_zero(table, len))
        return -EINVAL;
    return 0;
}

size_t acpi_root_entries(const void *table __maybe_unused, size_t len,
                         bool wide)
{
    return (len - ACPI_HEADER_SIZE) / (wide ? 8 : 4);
}

u64 acpi_root_entry(const void *table, size_t n, bool wide)
{
    return wide ? get64(table, ACPI_HEADER_SIZE + 8 * n)
                : get32(table, ACPI_HEADER_SIZE + 4 * n);
}

static void add_cpu(struct irq_hardware *hw, u32 apic_id, u32 flags)
{
    if ((flags & MADT_CPU_ENABLED) && hw->nr_cpus < NR_CPUS_MAX)
        hw->apic_id[hw->nr_cpus++] = apic_id;
}

static void add_ioapic(struct irq_hardware *hw, const u8 *entry)
{
    unsigned int n = hw->nr_ioapics;

    if (n == IOAPICS_MAX)
        return;
    hw->ioapic[n].id = get8(entry, 2);
    hw->ioapic[n].phys = get32(entry, 4);
    hw->ioapic[n].gsi_base = get32(entry, 8);
    hw->ioapic[n].regs = NULL;
    hw->nr_ioapics++;
}

/* Flags: MPS INTI, ACPI 6.4 table 5.26: 1 is high or edge, 3 low or level. */
static void add_override(struct irq_hardware *hw, const u8 *entry)
{
    unsigned int n = hw->nr_overrides;
    u16 flags = get16(entry, 8);

    if (n == IRQ_OVERRIDES_MAX)
        return;
    hw->override[n].isa = get8(entry, 3);
    hw->override[n].gsi = get32(entry, 4);
    hw->override[n].active_low = (flags & 3) == 3;
    hw->override[n].level = (flags >> 2 & 3) == 3;
    hw->nr_overrides++;
}

static void madt_entry(struct irq_hardware *hw, const u8 *entry, size_t len)
{
    switch (entry[0]) {
    case MADT_LAPIC:
        if (len >= 8)
            add_cpu(hw, entry[3], get32(entry, 4));
        break;
    case MADT_X2APIC:
        if (len >= 16)
            add_cpu(hw, get32(entry, 4), get32(entry, 8));
        break;
    case MADT_IOAPIC:
        if (len >= 12)
            add_ioapic(hw, entry);
        break;
    case MADT_OVERRIDE:
        if (len >= 10)
            add_override(hw, entry);
        break;
    case MADT_LAPIC_ADDRESS:
        if (len >= 12)
            hw->lapic_phys = get64(entry, 4);
        break;
    }
}

int acpi_parse_madt(const void *table, size_t len, struct irq_hardware *hw)
{
    const u8 *bytes = table;
    size_t offset = MADT_ENTRIES;
    struct irq_hardware found = {.lapic_phys = 0};

    if (acpi_check_table(table, len, "APIC") || len < MADT_ENTRIES)
        return -EINVAL;
    found.lapic_phys = get32(table, 36);
    found.has_8259 = get32(table, 40) & MADT_HAS_8259;
    while (offset + 2 <= len) {
        size_t size = bytes[offset + 1];

        if (size < 2 || offset + size > len)
            return -EINVAL;
        madt_entry(&found, bytes + offset, size);
        offset += size;
    }
    *hw = found;
    return 0;
}

int acpi_parse_fadt(const void *table, size_t len, struct acpi_fadt *fadt)
{
    u32 flags;

    if (acpi_check_table(table, len, "FACP") || len < FADT_V1_SIZE)
        return -EINVAL;
    flags = get32(table, 112);
    *fadt = (struct acpi_fadt){
        .dsdt = get32(table, 40),
        .pm1a_control = get32(table, 64),
        .pm1b_control = get32(table, 68),
        .pm_timer = get8(table, 91) == 4 ? get32(table, 76) : 0,
        .pm_timer_32bit = flags & FADT_TIMER_32BIT,
        .has_8042 = get8(table, 8) < 2 || (get16(table, 109) & FADT_8042),
    };
    if (len >= FADT_RESET_END && (flags & FADT_HAS_RESET)) {
        fadt->has_reset = true;
        fadt->reset_space = get8(table, 116);
        fadt->reset_address = get64(table, 120);
        fadt->reset_value = get8(table, 128);
    }
    if (len >= FADT_X_DSDT_END && get64(table, 140))
        fadt->dsdt = get64(table, 140);
    return 0;
}

int acpi_parse_hpet(const void *table, size_t len, u64 *phys)
{
    /* a generic address (ACPI 6.4, 5.2.3.2) in memory */
    if (acpi_check_table(table, len, "HPET") || len < HPET_SIZE ||
        get8(table, 40) != 0 || !get64(table, 44))
        return -EINVAL;
    *phys = get64(table, 44);
    return 0;
}

int acpi_parse_mcfg(const void *table, size_t len, struct acpi_ecam *ecam)
{
    int n = 0;

    if (acpi_check_table(table, len, "MCFG"))
        return -EINVAL;
    for (size_t at = MCFG_ENTRIES;
         at + MCFG_ENTRY_SIZE <= len && n < ACPI_ECAM_MAX;
         at += MCFG_ENTRY_SIZE) {
        struct acpi_ecam window = {get64(table, at), get16(table, at + 8),
                                   get8(table, at + 10), get8(table, at + 11)};

        if (window.base && window.end_bus >= window.start_bus)
            ecam[n++] = window;
    }
    return n;
}

/* An AML integer as it stands in packages (ACPI 6.4, 20.2.3); bytes used, 0
 * if it is none. */
static size_t aml_integer(const u8 *at, const u8 *end, u8 *value)
{
    if (at >= end)
        return 0;
    switch (*at) {
    case 0x00: /* ZeroOp */
    case 0x01: /* OneOp */
        *value = *at;
        return 1;
    case 0x0a: /* BytePrefix */
        if (end - at < 2)
            return 0;
        *value = at[1];
        return 2;
    case 0x0b: /* WordPrefix */
        if (end - at < 3)
            return 0;
        *value = at[1];
        return 3;
    default:
        return 0;
    }
}

/* PackageOp, PkgLength (1-4 bytes), NumElements, then the elements. */
static int s5_package(const u8 *at, const u8 *end, struct acpi_sleep *sleep)
{
    struct acpi_sleep found = {0, 0};
    size_t used;

    if (end - at < 3 || at[0] != 0x12)
        return -ENOENT;
    at += 2 + (at[1] >> 6);
    if (at >= end || *at++ < 1)
        return -ENOENT;
    used = aml_integer(at, end, &found.type_a);
    if (!used)
        return -ENOENT;
    if (!aml_integer(at + used, end, &found.type_b))
        found.type_b = 0;
    *sleep = found;
    return 0;
}

int acpi_find_s5(const void *dsdt, size_t len, struct acpi_sleep *sleep)
{
    const u8 *at = (const u8 *)dsdt + ACPI_HEADER_SIZE;
    const u8 *end = (const u8 *)dsdt + len;

    if (acpi_check_table(dsdt, len, "DSDT"))
        return -EINVAL;
    /* NameOp, perhaps a root prefix, "_S5_", the package */
    while (at < end && (at = memchr(at, '_', end - at)) && end - at > 4) {
        bool named = at[-1] == 0x08 || (at[-1] == '\\' && at[-2] == 0x08);

        if (named && !memcmp(at, "_S5_", 4) &&
            s5_package(at + 4, end, sleep) == 0)
            return 0;
        at++;
    }
    return -ENOENT;
}
