/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Reading the UEFI system table. Source: UEFI Specification 2.9, 4.2 and 4.3.
 * Runs once on the boot CPU.
 */
#include <hv/lib.h>
#include <arch/acpi.h>
#include <arch/efi.h>

#define SYSTAB_SIGNATURE       0x5453595320494249UL /* "IBI SYST" */
#define SYSTAB_REVISION        8
#define SYSTAB_VENDOR          24
#define SYSTAB_VENDOR_REVISION 32
#define SYSTAB_NR_TABLES       104
#define SYSTAB_TABLES          112
#define SYSTAB_LEN             120
#define NR_TABLES_MAX          256

struct efi_info efi_info __ro_after_init;

static uint64_t __init field(const uint8_t *p, unsigned int off, unsigned int n)
{
	uint64_t v = 0;

	memcpy(&v, p + off, n);
	return v;
}

static void __init read_vendor(paddr_t pa)
{
	const uint16_t *s = pa && !(pa & 1) ? acpi_map(pa, sizeof(efi_info.vendor)) : NULL;
	unsigned int n = 0;

	while (s && n < EFI_VENDOR_MAX - 1 && s[n]) {
		efi_info.vendor[n] = s[n];
		n++;
	}
	efi_info.vendor_bytes = (n + 1) * sizeof(efi_info.vendor[0]);
}

void __init efi_init(paddr_t systab)
{
	const uint8_t *p = systab ? acpi_map(systab, SYSTAB_LEN) : NULL;
	uint64_t nr;

	if (!p)
		return;
	nr = field(p, SYSTAB_NR_TABLES, 8);
	if (field(p, 0, 8) != SYSTAB_SIGNATURE || !nr || nr > NR_TABLES_MAX) {
		pr_warn("UEFI: no system table at %#lx\n", systab);
		return;
	}
	efi_info.spec_version = (uint32_t)field(p, SYSTAB_REVISION, 4);
	efi_info.vendor_revision = (uint32_t)field(p, SYSTAB_VENDOR_REVISION, 4);
	efi_info.config_tables = field(p, SYSTAB_TABLES, 8);
	efi_info.nr_config_tables = (uint32_t)nr;
	read_vendor(field(p, SYSTAB_VENDOR, 8));
	efi_info.present = true;
	pr_info("UEFI %u.%u, %u configuration tables\n", efi_info.spec_version >> 16,
		(efi_info.spec_version & 0xffff) / 10, efi_info.nr_config_tables);
}
