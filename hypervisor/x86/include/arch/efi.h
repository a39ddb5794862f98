/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What is left of UEFI after the boot loader has ended its boot services: the
 * system table with the list of configuration tables, which leads the control
 * domain's kernel to ACPI and SMBIOS. Runtime services aren't offered.
 */
#ifndef ARCH_EFI_H
#define ARCH_EFI_H

#include <hv/types.h>

#define EFI_VENDOR_MAX 64 /* UCS-2 characters, the last one 0 */

struct efi_info {
	bool present;
	uint32_t spec_version, vendor_revision;
	paddr_t config_tables;
	uint32_t nr_config_tables;
	uint16_t vendor[EFI_VENDOR_MAX];
	unsigned int vendor_bytes; /* with the final 0 */
};

extern struct efi_info efi_info;

/* Reads the system table at @systab (0: not booted by UEFI). After acpi_map works. */
void efi_init(paddr_t systab);

#endif
