/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * ACPI tables of any content, at any place of a small memory. Each access is to what
 * was mapped, nothing is counted past its limit, and a table that is hidden keeps its
 * checksum. Checksums are made right, or hardly anything would be looked at. Tries X8.
 */
#include <stdlib.h>

#include <hv/lib.h>
#include <arch/acpi.h>
#include "../../../hypervisor/x86/dev/acpi_format.h"

#define MEMORY 4096
#define BASE   0x10000 /* the memory's address; 0 would be none */

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *memory;
static size_t memory_size;

void printk(enum loglvl lvl, const char *fmt, ...)
{
}

void *acpi_map(paddr_t pa, size_t len)
{
	return pa >= BASE && len <= memory_size && pa - BASE <= memory_size - len
		       ? memory + (pa - BASE)
		       : NULL;
}

static void fix_sum(size_t at, size_t len, size_t sum_at)
{
	uint8_t sum = 0;

	if (len > memory_size || at > memory_size - len)
		return;
	memory[at + sum_at] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[at + sum_at] = (uint8_t)-sum;
}

static uint64_t field(size_t at, size_t len)
{
	uint64_t v = 0;

	if (at <= memory_size && len <= memory_size - at)
		memcpy(&v, memory + at, len);
	return v;
}

static const char *const sigs[] = {"APIC", "FACP", "HPET", "MCFG", "SSDT"};

/* One that we read, of a length that it can have, unless its first byte is no letter. */
static void make_table(size_t at)
{
	uint32_t len = (uint32_t)field(at + 4, 4);

	if (memory[at] < 'A' || memory[at] > 'Z')
		return;
	memcpy(memory + at, sigs[memory[at] % ARRAY_SIZE(sigs)], 4);
	if (len < 36 || len > memory_size - at) {
		len = (uint32_t)min(memory_size - at, (size_t)36 + memory[at + 4]);
		memcpy(memory + at + 4, &len, 4);
	}
}

/* The tables that the root table at @at names, with entries of @width bytes. */
static void fix_tables(size_t at, size_t width, const char *sig)
{
	size_t len;

	if (at + 36 > memory_size || at < 64)
		return;
	memcpy(memory + at, sig, 4);
	len = field(at + 4, 4);
	if (len < 36 || len > memory_size - at) {
		uint32_t all = (uint32_t)min(memory_size - at, (size_t)36 + 6 * width);

		memcpy(memory + at + 4, &all, 4);
		len = all;
	}
	for (size_t off = at + 36; off + width <= at + len; off += width) {
		size_t t = field(off, width) & (MEMORY - 1);
		uint64_t pa = t + BASE;

		memcpy(memory + off, &pa, width);
		if (t >= 64 && t + 64 <= memory_size)
			make_table(t);
		if (t + 36 <= memory_size)
			fix_sum(t, max(field(t + 4, 4), 36UL), 9);
	}
	fix_sum(at, len, 9);
}

static void fix(void)
{
	bool v2 = memory_size >= 64 && memory[15] & 2;
	size_t at = v2 ? 24 : 16, root;
	uint64_t pa;

	if (memory_size < 64)
		return;
	memcpy(memory, "RSD PTR ", 8);
	root = field(at, 4) & (MEMORY - 1);
	pa = root + BASE;
	memcpy(memory + at, &pa, v2 ? 8 : 4);
	if (v2) {
		memory[20] = 36;
		memset(memory + 21, 0, 3);
	}
	fix_tables(root, v2 ? 8 : 4, v2 ? "XSDT" : "RSDT");
	fix_sum(0, 20, 8);
	fix_sum(0, 36, 32);
}

/* Once more, in memory without a byte to spare. */
static void parse_alone(const uint8_t *table, uint32_t len)
{
	static void (*const parse[])(struct acpi_blob) = {
		acpi_parse_madt, acpi_parse_fadt, acpi_parse_hpet, acpi_parse_mcfg, acpi_parse_s5};
	uint8_t *copy = malloc(len);

	memcpy(copy, table, len);
	for (unsigned int i = 0; i < ARRAY_SIZE(parse); i++)
		parse[i]((struct acpi_blob){copy, len});
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t ids[8], len, id;

	memory_size = min(size, (size_t)MEMORY);
	memory = malloc(memory_size + 1);
	memcpy(memory, data, memory_size);
	memory = realloc(memory, memory_size ? memory_size : 1);
	fix();
	acpi_set_rsdp(BASE);
	acpi_init();
	CHECK(acpi_info.nr_cpus <= ACPI_MAX_CPUS && acpi_info.nr_ioapics <= ACPI_MAX_IOAPICS &&
	      acpi_info.nr_mcfg <= ACPI_MAX_MCFG);
	CHECK(acpi_cpu_apic_ids(ids, 8) <= 8);
	acpi_id_of_apic_id(1, &id);
	for (unsigned int i = 0; i < ARRAY_SIZE(sigs); i++) {
		const uint8_t *t;

		for (unsigned int n = 0; (t = acpi_find_table(sigs[i], n, &len)) != NULL; n++) {
			CHECK(t >= memory && len >= 36 && t + len <= memory + memory_size);
			parse_alone(t, len);
		}
		acpi_hide_table(sigs[i]);
	}
	free(memory);
	return 0;
}
