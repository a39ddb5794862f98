/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the boot loader told us, copied out of its memory before anything else
 * is done: command line, memory map, modules, where the ACPI tables start.
 * Sources: Multiboot Specification 0.6.96 and 2.0.
 */
#ifndef HV_BOOTINFO_H
#define HV_BOOTINFO_H

#include <hv/types.h>

#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3
#define E820_NVS      4
#define E820_UNUSABLE 5
#define E820_MAX      128

struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
};

struct e820_map {
	unsigned int nr;
	struct e820_entry e[E820_MAX];
};

#define BOOT_MODULES_MAX 8

struct boot_module {
	paddr_t start;
	uint64_t size;
	char args[1024]; /* without its first word, the file name */
};

struct boot_info {
	const char *loader; /* "Multiboot 1", "Multiboot 2" */
	char cmdline[1024]; /* without its first word */
	unsigned int nr_modules;
	struct boot_module module[BOOT_MODULES_MAX];
	bool has_rsdp;
	uint8_t rsdp[36]; /* a copy, of either version */
	paddr_t efi_systab; /* 0: not an EFI boot */
};

extern struct boot_info boot_info;

/* The machine's memory map: sorted, no overlaps. Stays for XENMEM_machine_memory_map. */
extern struct e820_map machine_e820;

/* Runs on the first page tables. False: @magic is no boot loader's. */
bool bootinfo_read(uint32_t magic, paddr_t info);

/* Sorts, cuts overlaps (the higher type wins), merges neighbours. */
void e820_sanitize(struct e820_map *map);
/*
 * Marks a range that the firmware left out, devices of ours, so that no kernel puts
 * something there. A map that is full stays as it is.
 */
void e820_reserve(struct e820_map *map, uint64_t addr, uint64_t size);
/* Is all of [start, end) of @type? */
bool e820_all(const struct e820_map *map, uint64_t start, uint64_t end, uint32_t type);

#endif
