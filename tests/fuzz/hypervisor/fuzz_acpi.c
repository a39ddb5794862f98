/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * ACPI tables of any content, at any place of a small memory. Each access is to what
 * was mapped, nothing is counted past its limit, and a table that is hidden keeps its
 * checksum. Checksums are made right, or hardly anything would be looked at.
 */
#include <stdlib.h>

#include <hv/lib.h>
#include <arch/acpi.h>

#define MEMORY 4096

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
	return len <= memory_size && pa <= memory_size - len ? memory + pa : NULL;
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
		uint64_t pa = t;

		memcpy(memory + off, &pa, width);
		if (t + 36 <= memory_size)
			fix_sum(t, max(field(t + 4, 4), 36UL), 9);
	}
	fix_sum(at, len, 9);
}

static void fix(void)
{
	size_t root;

	if (memory_size < 64)
		return;
	memcpy(memory, "RSD PTR ", 8);
	root = field(16, 4) & (MEMORY - 1);
	memset(memory + 16, 0, 4);
	memcpy(memory + 16, &root, 2);
	if (memory[15] & 2) {
		memory[20] = 36;
		memset(memory + 21, 0, 3);
		root = field(24, 8) & (MEMORY - 1);
		memset(memory + 24, 0, 8);
		memcpy(memory + 24, &root, 2);
	}
	fix_tables(root, memory[15] & 2 ? 8 : 4, memory[15] & 2 ? "XSDT" : "RSDT");
	fix_sum(0, 20, 8);
	fix_sum(0, 36, 32);
	/* The first is in the second's range, but not the other way round. */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const sigs[] = {"APIC", "FACP", "HPET", "MCFG", "SSDT"};
	uint32_t ids[8], len, id;

	memory_size = min(size, (size_t)MEMORY);
	memory = malloc(memory_size + 1);
	memcpy(memory, data, memory_size);
	memory = realloc(memory, memory_size ? memory_size : 1);
	fix();
	acpi_set_rsdp(0);
	/* 0 would make it search the BIOS area, which isn't there. */
	if (memory_size > 1) {
		uint8_t *moved = malloc(memory_size + 16);

		memcpy(moved + 16, memory, memory_size);
		free(memory);
		memory = moved;
		acpi_set_rsdp(16);
		memory_size += 16;
		/* All pointers are off by 16 now; let half of the inputs have that right. */
		if (size & 1) {
			memory_size -= 16;
			memmove(memory, memory + 16, memory_size);
			memory = realloc(memory, memory_size);
			acpi_set_rsdp(0);
		}
	}
	acpi_init();
	CHECK(acpi_info.nr_cpus <= ACPI_MAX_CPUS && acpi_info.nr_ioapics <= ACPI_MAX_IOAPICS &&
	      acpi_info.nr_mcfg <= ACPI_MAX_MCFG);
	CHECK(acpi_cpu_apic_ids(ids, 8) <= 8);
	acpi_id_of_apic_id(1, &id);
	for (unsigned int i = 0; i < ARRAY_SIZE(sigs); i++) {
		const uint8_t *t;

		for (unsigned int n = 0; (t = acpi_find_table(sigs[i], n, &len)) != NULL; n++)
			CHECK(t >= memory && len >= 36 && t + len <= memory + memory_size);
		acpi_hide_table(sigs[i]);
	}
	free(memory);
	return 0;
}
