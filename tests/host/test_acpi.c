/*
 * ACPI tables: right ones are understood, cut and corrupted ones are refused,
 * and nothing outside a table is ever read (AddressSanitizer watches: every
 * table lies in a heap block of exactly its length).
 *
 * HOST_SOURCES: drivers/acpi/parse.c
 */
#include "shim.h"
#include <drivers/acpi/parse.h>
#include <errno.h>
#include <kernel/x86/apic.h>

#define ROUNDS 20000

static void put32(u8 *at, u32 val)
{
    memcpy(at, &val, sizeof(val));
}

static void put64(u8 *at, u64 val)
{
    memcpy(at, &val, sizeof(val));
}

static void fix_sum(u8 *bytes, size_t len, size_t sum_at)
{
    u8 sum = 0;

    bytes[sum_at] = 0;
    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    bytes[sum_at] = -sum;
}

static u8 *table_new(const char *signature, size_t len)
{
    u8 *table = calloc(1, len);

    memcpy(table, signature, 4);
    put32(table + 4, len);
    return table;
}

static void table_finish(u8 *table)
{
    u32 len;

    memcpy(&len, table + 4, 4);
    fix_sum(table, len, 9);
}

/* One CPU, one that is off, an I/O APIC, an override, an address. */
static u8 *madt_new(size_t *len)
{
    static const u8 entries[] = {
        0, 8,  0, 7, 1,  0, 0,    0,                   /* CPU 7, enabled */
        0, 8,  1, 8, 0,  0, 0,    0,                   /* CPU 8, not */
        1, 12, 2, 0, 0,  0, 0xc0, 0xfe, 24,   0, 0, 0, /* I/O APIC from 24 */
        2, 10, 0, 9, 20, 0, 0,    0,    0x0f, 0,       /* ISA 9: low, level */
        5, 12, 0, 0, 0,  0, 0xe0, 0xfe, 1,    0, 0, 0, /* local APIC */
    };
    u8 *table;

    *len = 44 + sizeof(entries);
    table = table_new("APIC", *len);
    put32(table + 36, 0xfee00000);
    put32(table + 40, 1);
    memcpy(table + 44, entries, sizeof(entries));
    table_finish(table);
    return table;
}

static void madt_is_understood(void **state)
{
    struct irq_hardware hw;
    size_t len;
    u8 *table = madt_new(&len);

    (void)state;
    assert_int_equal(acpi_parse_madt(table, len, &hw), 0);
    assert_int_equal(hw.nr_cpus, 1);
    assert_int_equal(hw.apic_id[0], 7);
    assert_int_equal(hw.nr_ioapics, 1);
    assert_int_equal(hw.ioapic[0].gsi_base, 24);
    assert_int_equal(hw.ioapic[0].phys, 0xfec00000);
    assert_int_equal(hw.nr_overrides, 1);
    assert_int_equal(hw.override[0].gsi, 20);
    assert_true(hw.override[0].level && hw.override[0].active_low);
    assert_true(hw.lapic_phys == 0x1fee00000ull);
    assert_true(hw.has_8259);
    free(table);
}

static void bad_checksum_changes_nothing(void **state)
{
    struct irq_hardware hw = {.nr_cpus = 99};
    size_t len;
    u8 *table = madt_new(&len);

    (void)state;
    table[50] ^= 1;
    assert_int_equal(acpi_parse_madt(table, len, &hw), -EINVAL);
    assert_int_equal(hw.nr_cpus, 99);
    free(table);
}

static void entry_of_length_zero_is_refused(void **state)
{
    struct irq_hardware hw;
    size_t len;
    u8 *table = madt_new(&len);

    (void)state;
    table[45] = 0;
    table_finish(table);
    assert_int_equal(acpi_parse_madt(table, len, &hw), -EINVAL);
    free(table);
}

static void more_cpus_than_room_are_left_out(void **state)
{
    struct irq_hardware hw;
    size_t len = 44 + 8 * 200;
    u8 *table = table_new("APIC", len);

    (void)state;
    for (size_t i = 0; i < 200; i++)
        memcpy(table + 44 + 8 * i, (u8[]){0, 8, 0, i, 1, 0, 0, 0}, 8);
    table_finish(table);
    assert_int_equal(acpi_parse_madt(table, len, &hw), 0);
    assert_int_equal(hw.nr_cpus, NR_CPUS_MAX);
    free(table);
}

static void random_madt_is_survived(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct irq_hardware hw;
        size_t len;
        u8 *whole = madt_new(&len), *table;
        size_t cut = 36 + host_random() % (len - 35);

        for (int n = host_random() % 4; n > 0; n--)
            whole[36 + host_random() % (len - 36)] = host_random();
        table = malloc(cut);
        memcpy(table, whole, cut);
        put32(table + 4, cut);
        table_finish(table);
        (void)acpi_parse_madt(table, cut, &hw);
        free(table);
        free(whole);
    }
}

static void fadt_old_and_new(void **state)
{
    struct acpi_fadt fadt;
    u8 *table = table_new("FACP", 244);

    (void)state;
    put32(table + 40, 0x1000);
    put32(table + 64, 0x604);
    put32(table + 76, 0x608);
    table[91] = 4;
    put32(table + 112, 1 << 8 | 1 << 10);
    table[116] = 1;
    put64(table + 120, 0xcf9);
    table[128] = 0x0f;
    put64(table + 140, 0x2000);
    table_finish(table);
    assert_int_equal(acpi_parse_fadt(table, 244, &fadt), 0);
    assert_int_equal(fadt.pm1a_control, 0x604);
    assert_int_equal(fadt.pm_timer, 0x608);
    assert_true(fadt.pm_timer_32bit && fadt.has_reset);
    assert_int_equal(fadt.reset_address, 0xcf9);
    assert_int_equal(fadt.reset_value, 0x0f);
    assert_int_equal(fadt.dsdt, 0x2000);
    put32(table + 4, 116);
    table_finish(table);
    assert_int_equal(acpi_parse_fadt(table, 116, &fadt), 0);
    assert_false(fadt.has_reset);
    assert_int_equal(fadt.dsdt, 0x1000);
    put32(table + 4, 115);
    fix_sum(table, 115, 9);
    assert_int_equal(acpi_parse_fadt(table, 115, &fadt), -EINVAL);
    free(table);
}

static u8 *dsdt_new(const u8 *aml, size_t aml_len, size_t *len)
{
    u8 *table;

    *len = 36 + aml_len;
    table = table_new("DSDT", *len);
    memcpy(table + 36, aml, aml_len);
    table_finish(table);
    return table;
}

static void s5_is_found(void **state)
{
    static const u8 aml[] = {0x5b, '_',  'S',  '5',  '_',  0x08,
                             '_',  'S',  '5',  '_',  0x12, 6,
                             4,    0x0a, 0x05, 0x01, 0x00, 0x00};
    struct acpi_sleep sleep;
    size_t len;
    u8 *table = dsdt_new(aml, sizeof(aml), &len);

    (void)state;
    assert_int_equal(acpi_find_s5(table, len, &sleep), 0);
    assert_int_equal(sleep.type_a, 5);
    assert_int_equal(sleep.type_b, 1);
    free(table);
}

static void s5_cut_anywhere_is_survived(void **state)
{
    static const u8 aml[] = {0x08, '\\', '_', 'S',  '5', '_', 0x12,
                             0x46, 0x00, 4,   0x0b, 7,   0,   0x0a};
    (void)state;
    for (size_t cut = 0; cut <= sizeof(aml); cut++) {
        struct acpi_sleep sleep = {99, 99};
        size_t len;
        u8 *table = dsdt_new(aml, cut, &len);
        int err = acpi_find_s5(table, len, &sleep);

        assert_int_equal(err, cut >= 13 ? 0 : -ENOENT);
        assert_int_equal(sleep.type_a, err ? 99 : 7);
        free(table);
    }
}

static void rsdp_versions(void **state)
{
    struct acpi_root root;
    u8 *rsdp = calloc(1, ACPI_RSDP_SIZE);

    (void)state;
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    put32(rsdp + 16, 0x11000);
    put64(rsdp + 24, 0x22000);
    fix_sum(rsdp, ACPI_RSDP_V1_SIZE, 8);
    fix_sum(rsdp, ACPI_RSDP_SIZE, 32);
    assert_int_equal(acpi_parse_rsdp(rsdp, ACPI_RSDP_SIZE, &root), 0);
    assert_true(root.wide && root.table == 0x22000);
    rsdp[32]++; /* the second sum is wrong: the old half still holds */
    assert_int_equal(acpi_parse_rsdp(rsdp, ACPI_RSDP_SIZE, &root), 0);
    assert_true(!root.wide && root.table == 0x11000);
    rsdp[3]++;
    assert_int_equal(acpi_parse_rsdp(rsdp, ACPI_RSDP_SIZE, &root), -EINVAL);
    assert_int_equal(acpi_parse_rsdp(rsdp, 19, &root), -EINVAL);
    free(rsdp);
}

static void mcfg_windows(void **state)
{
    struct acpi_ecam ecam[ACPI_ECAM_MAX];
    size_t len = 44 + 16 * 7 + 5; /* rubbish at the end */
    u8 *table = table_new("MCFG", len);

    (void)state;
    for (size_t i = 0; i < 7; i++) {
        put64(table + 44 + 16 * i, 0xb0000000 + i);
        table[44 + 16 * i + 11] = 255;
    }
    table[44 + 10] = 9; /* the first ends before it starts */
    table[44 + 11] = 3;
    table_finish(table);
    assert_int_equal(acpi_parse_mcfg(table, len, ecam), ACPI_ECAM_MAX);
    assert_true(ecam[0].base == 0xb0000001);
    free(table);
}

static void header_lengths(void **state)
{
    struct acpi_header header;
    u8 table[ACPI_HEADER_SIZE] = "TEST";

    (void)state;
    put32(table + 4, 35);
    assert_int_equal(acpi_parse_header(table, &header), -EINVAL);
    put32(table + 4, ACPI_TABLE_MAX + 1);
    assert_int_equal(acpi_parse_header(table, &header), -EINVAL);
    put32(table + 4, 36);
    assert_int_equal(acpi_parse_header(table, &header), 0);
    assert_string_equal(header.signature, "TEST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(madt_is_understood),
        cmocka_unit_test(bad_checksum_changes_nothing),
        cmocka_unit_test(entry_of_length_zero_is_refused),
        cmocka_unit_test(more_cpus_than_room_are_left_out),
        cmocka_unit_test(random_madt_is_survived),
        cmocka_unit_test(fadt_old_and_new),
        cmocka_unit_test(s5_is_found),
        cmocka_unit_test(s5_cut_anywhere_is_survived),
        cmocka_unit_test(rsdp_versions),
        cmocka_unit_test(mcfg_windows),
        cmocka_unit_test(header_lengths),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
