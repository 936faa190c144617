/*
 * drivers/acpi/tables.h - this machine's ACPI tables.
 *
 * Found and checked once by acpi_init(); a table whose checksum or length is
 * wrong is named in the log and treated as absent.
 */
#pragma once

#include <drivers/acpi/parse.h>
#include <kernel/core/time.h>
#include <kernel/x86/apic.h>

/* rsdp: its physical address, 0: look where BIOS puts it; copy: the bytes, if
 * the loader has kept them.  After the page allocator and ioremap. */
void acpi_init(phys_addr_t rsdp, const u8 *copy);

/* A table by signature, mapped and checked; NULL: not there.  It stays
 * mapped until acpi_unmap(). */
const void *acpi_map(const char *signature, size_t *len);
void acpi_unmap(const void *table);

/* What main hands down to irq_init() and time_init(); registers are mapped.
 * Without tables: what every PC has. */
void acpi_irq_hardware(struct irq_hardware *hw);
void acpi_time_hardware(struct time_hardware *hw);

/* False: there is no FADT. */
bool acpi_fadt(struct acpi_fadt *fadt);
/* Sleep types of "off".  -ENOENT or -EINVAL if the tables do not tell. */
int acpi_s5(struct acpi_sleep *sleep);
/* Memory-mapped PCI configuration spaces; the number, 0: none. */
int acpi_ecam(struct acpi_ecam ecam[ACPI_ECAM_MAX]);
