/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Offsets in ACPI tables, and reading at them. Source: ACPI Specification 6.4,
 * chapter 5.2; PCI Firmware Specification (MCFG); IA-PC HPET Specification.
 * The firmware aligns nothing, so fields are fetched by copy.
 */
#ifndef ACPI_FORMAT_H
#define ACPI_FORMAT_H

#include <hv/lib.h>

#define RSDP_V1_LEN   20
#define RSDP_REVISION 15
#define RSDP_RSDT     16
#define RSDP_LENGTH   20
#define RSDP_XSDT     24
#define RSDP_V2_LEN   36

#define SDT_LENGTH     4
#define SDT_CHECKSUM   9
#define SDT_HEADER_LEN 36

#define MADT_LAPIC_ADDR   36
#define MADT_FLAGS        40
#define MADT_ENTRIES      44
#define MADT_LAPIC        0
#define MADT_IOAPIC       1
#define MADT_OVERRIDE     2
#define MADT_LAPIC_ADDR64 5
#define MADT_X2APIC       9

#define FADT_DSDT            40
#define FADT_SCI             46
#define FADT_PM1A_EVT        56
#define FADT_PM1B_EVT        60
#define FADT_PM1A_CNT        64
#define FADT_PM1B_CNT        68
#define FADT_PM_TMR          76
#define FADT_PM1_EVT_LEN     88
#define FADT_CENTURY         108
#define FADT_FLAGS           112
#define FADT_FLAG_TMR_32BIT  (1U << 8)
#define FADT_FLAG_RESET_REG  (1U << 10)
#define FADT_FLAG_HW_REDUCED (1U << 20)
#define FADT_RESET_REG       116
#define FADT_RESET_VALUE     128
#define FADT_X_DSDT          140
#define FADT_X_PM1A_EVT      148
#define FADT_X_PM1B_EVT      160
#define FADT_X_PM1A_CNT      172
#define FADT_X_PM1B_CNT      184
#define FADT_X_PM_TMR        208
#define FADT_SLEEP_CONTROL   244
#define GAS_LEN              12

#define HPET_ADDRESS   40
#define MCFG_ENTRIES   44
#define MCFG_ENTRY_LEN 16

/* A table as it lies in memory. */
struct acpi_blob {
	const uint8_t *p;
	uint32_t len;
};

/* @n bytes (up to 8) at @off, little endian; 0 where the table has ended. */
static inline uint64_t acpi_field(struct acpi_blob t, uint32_t off, uint32_t n)
{
	uint64_t v = 0;

	if (n <= t.len && off <= t.len - n)
		memcpy(&v, t.p + off, n);
	return v;
}

static inline bool acpi_sum_ok(const uint8_t *p, uint32_t len)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0;
}

/* The parsers (acpi_parse.c); each fills in its part of acpi_info. */
void acpi_parse_madt(struct acpi_blob t);
void acpi_parse_fadt(struct acpi_blob t);
void acpi_parse_hpet(struct acpi_blob t);
void acpi_parse_mcfg(struct acpi_blob t);
/* Looks for \_S5 in a table of AML. */
void acpi_parse_s5(struct acpi_blob t);
paddr_t acpi_fadt_dsdt(struct acpi_blob t);

#endif
