/*
 * drivers/acpi/parse.h - what ACPI tables say, out of bytes that may be
 * rubbish.
 *
 * Pure; also compiled for the host.  Every function takes a table and its
 * length, believes nothing, and leaves its result untouched if the table is
 * not right.  ACPI 6.4 (5.2), IA-PC HPET 1.0a (3.2.4), PCI Firmware 3.0 (4.1).
 */
#pragma once

#include <kernel/lib/types.h>

#define ACPI_RSDP_V1_SIZE 20
#define ACPI_RSDP_SIZE 36
#define ACPI_HEADER_SIZE 36
#define ACPI_TABLE_MAX MIB /* a longer one is not believed */
#define ACPI_ECAM_MAX 4

struct acpi_root { /* from the RSDP */
    u64 table;     /* physical address of the RSDT or XSDT */
    bool wide;     /* XSDT: 64-bit entries */
};

struct acpi_header {
    char signature[5]; /* with NUL */
    u32 length;
};

struct irq_hardware; /* kernel/x86/apic.h */

struct acpi_fadt {
    u64 dsdt;
    u16 pm1a_control, pm1b_control; /* ports; 0: none */
    u16 pm_timer;                   /* port; 0: none */
    bool pm_timer_32bit;
    bool has_reset;
    u8 reset_space; /* 0 memory, 1 ports, 2 PCI config space */
    u64 reset_address;
    u8 reset_value;
    bool has_8042; /* keyboard controller; true if the table does not say */
};

struct acpi_sleep { /* \_S5: values for SLP_TYP */
    u8 type_a, type_b;
};

struct acpi_ecam {
    u64 base; /* of bus 0, whatever start_bus is */
    u16 segment;
    u8 start_bus, end_bus;
};

/* All return 0, or -EINVAL for a table that is not right. */
int acpi_parse_rsdp(const void *rsdp, size_t len, struct acpi_root *root);
/* The first ACPI_HEADER_SIZE bytes: enough to know the length. */
int acpi_parse_header(const void *table, struct acpi_header *header);
/* Signature, length and checksum of a whole table. */
int acpi_check_table(const void *table, size_t len, const char *signature);
size_t acpi_root_entries(const void *table, size_t len, bool wide);
u64 acpi_root_entry(const void *table, size_t n, bool wide);

/* Fills all but the mapped addresses. */
int acpi_parse_madt(const void *table, size_t len, struct irq_hardware *hw);
int acpi_parse_fadt(const void *table, size_t len, struct acpi_fadt *fadt);
int acpi_parse_hpet(const void *table, size_t len, u64 *phys);
/* Returns the number of windows, at most ACPI_ECAM_MAX. */
int acpi_parse_mcfg(const void *table, size_t len, struct acpi_ecam *ecam);
/* Looks for the package \_S5 in AML.  -ENOENT: not there. */
int acpi_find_s5(const void *dsdt, size_t len, struct acpi_sleep *sleep);
