/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Finding the ACPI tables: root pointer, root table, the list of what it names.
 * Owns that list. Runs on the boot CPU before anything else does: no locks.
 */
#include <hv/lib.h>
#include <arch/acpi.h>

#include "acpi_format.h"

#define EBDA_SEGMENT_PTR 0x40e
#define BIOS_AREA        0xe0000
#define BIOS_AREA_LEN    0x20000
#define EBDA_SEARCH_LEN  1024
#define RSDP_ALIGN       16

struct acpi_table {
	char sig[5];
	uint32_t len;
	uint8_t *p;
};

static paddr_t rsdp_paddr;
static struct acpi_table tables[ACPI_MAX_TABLES];
static unsigned int nr_tables;

struct acpi_info acpi_info;

void acpi_set_rsdp(paddr_t pa)
{
	rsdp_paddr = pa;
}

static bool rsdp_ok(const uint8_t *p)
{
	return !memcmp(p, "RSD PTR ", 8) && acpi_sum_ok(p, RSDP_V1_LEN);
}

static const uint8_t *rsdp_search(paddr_t pa, size_t len)
{
	const uint8_t *p = acpi_map(pa, len);

	for (size_t off = 0; p && off + RSDP_V2_LEN <= len; off += RSDP_ALIGN) {
		if (rsdp_ok(p + off))
			return p + off;
	}
	return NULL;
}

static const uint8_t *rsdp_find(void)
{
	const uint8_t *p;
	const void *bda;
	uint16_t segment;

	if (rsdp_paddr) {
		p = acpi_map(rsdp_paddr, RSDP_V2_LEN);
		if (p && rsdp_ok(p))
			return p;
		pr_warn("ACPI: the boot loader's RSDP is damaged, searching for another\n");
	}
	bda = acpi_map(EBDA_SEGMENT_PTR, sizeof(segment));
	if (bda) {
		memcpy(&segment, bda, sizeof(segment));
		/* Anything else is no EBDA: it ends below the video memory. */
		if (segment >= 0x8000 && segment < 0xa000) {
			p = rsdp_search((paddr_t)segment << 4, EBDA_SEARCH_LEN);
			if (p)
				return p;
		}
	}
	return rsdp_search(BIOS_AREA, BIOS_AREA_LEN);
}

/* Maps a whole table. NULL: it isn't @sig (if given), too long or damaged. */
static uint8_t *table_map(paddr_t pa, const char *sig, uint32_t *ret_len)
{
	uint8_t *p = pa ? acpi_map(pa, SDT_HEADER_LEN) : NULL;
	uint32_t len;

	if (!p)
		return NULL;
	if (sig && memcmp(p, sig, 4))
		return NULL;
	memcpy(&len, p + SDT_LENGTH, sizeof(len));
	if (len < SDT_HEADER_LEN || len > ACPI_TABLE_MAX_BYTES) {
		pr_warn("ACPI: table %.4s at %#lx has an impossible length\n", (const char *)p, pa);
		return NULL;
	}
	p = acpi_map(pa, len);
	if (!p)
		return NULL;
	if (!acpi_sum_ok(p, len)) {
		pr_warn("ACPI: table %.4s at %#lx has a wrong checksum\n", (const char *)p, pa);
		return NULL;
	}
	*ret_len = len;
	return p;
}

static void table_note(paddr_t pa)
{
	struct acpi_table *t = &tables[nr_tables];

	if (nr_tables == ACPI_MAX_TABLES)
		return;
	t->p = table_map(pa, NULL, &t->len);
	if (!t->p)
		return;
	memcpy(t->sig, t->p, 4);
	nr_tables++;
}

/* The root table with entries of @width bytes. */
static bool read_root(paddr_t pa, const char *sig, uint32_t width)
{
	struct acpi_blob root;

	root.p = table_map(pa, sig, &root.len);
	if (!root.p)
		return false;
	for (uint32_t off = SDT_HEADER_LEN; width <= root.len - off; off += width)
		table_note(acpi_field(root, off, width));
	return true;
}

static bool read_root_tables(const uint8_t *p)
{
	struct acpi_blob rsdp = {p, RSDP_V1_LEN};

	if (p[RSDP_REVISION] >= 2) {
		uint32_t len;

		memcpy(&len, p + RSDP_LENGTH, sizeof(len));
		if (len >= RSDP_V2_LEN && acpi_sum_ok(p, RSDP_V2_LEN)) {
			rsdp.len = RSDP_V2_LEN;
			if (read_root(acpi_field(rsdp, RSDP_XSDT, 8), "XSDT", 8))
				return true;
		}
	}
	return read_root(acpi_field(rsdp, RSDP_RSDT, 4), "RSDT", 4);
}

const void *acpi_find_table(const char *sig, unsigned int n, uint32_t *ret_len)
{
	for (unsigned int i = 0; i < nr_tables; i++) {
		if (memcmp(tables[i].sig, sig, 4) || n--)
			continue;
		*ret_len = tables[i].len;
		return tables[i].p;
	}
	return NULL;
}

static struct acpi_blob find_blob(const char *sig, unsigned int n)
{
	struct acpi_blob t = {NULL, 0};

	t.p = acpi_find_table(sig, n, &t.len);
	return t;
}

void acpi_hide_table(const char *sig)
{
	for (unsigned int i = 0; i < nr_tables; i++) {
		uint8_t *p = tables[i].p;

		if (memcmp(tables[i].sig, sig, 4) || memcmp(p, sig, 4))
			continue;
		/* Small letters are no one's: "hPET". */
		p[0] ^= 0x20;
		p[SDT_CHECKSUM] = (uint8_t)(p[SDT_CHECKSUM] + (uint8_t)sig[0] - p[0]);
		pr_info("ACPI: table %s is kept from the control domain\n", sig);
	}
}

static void parse_aml(struct acpi_blob fadt)
{
	struct acpi_blob t;

	t.p = table_map(acpi_fadt_dsdt(fadt), "DSDT", &t.len);
	if (t.p)
		acpi_parse_s5(t);
	for (unsigned int n = 0; !acpi_info.s5_known && (t = find_blob("SSDT", n)).p; n++)
		acpi_parse_s5(t);
}

int acpi_init(void)
{
	const uint8_t *rsdp;
	struct acpi_blob t;

	memset(&acpi_info, 0, sizeof(acpi_info));
	nr_tables = 0;
	for (unsigned int i = 0; i < ACPI_NR_ISA; i++)
		acpi_info.isa[i].gsi = i;
	rsdp = rsdp_find();
	if (!rsdp) {
		pr_err("ACPI: no tables found\n");
		return -ENOENT;
	}
	if (!read_root_tables(rsdp)) {
		pr_err("ACPI: no sound root table\n");
		return -EINVAL;
	}
	/* The first of each: a second MADT or FADT is a firmware's mistake. */
	t = find_blob("APIC", 0);
	if (t.p)
		acpi_parse_madt(t);
	t = find_blob("HPET", 0);
	if (t.p)
		acpi_parse_hpet(t);
	t = find_blob("MCFG", 0);
	if (t.p)
		acpi_parse_mcfg(t);
	t = find_blob("FACP", 0);
	if (t.p) {
		acpi_parse_fadt(t);
		parse_aml(t);
	}
	pr_info("ACPI: %u tables, %u CPUs, %u IO-APICs\n", nr_tables, acpi_info.nr_cpus,
		acpi_info.nr_ioapics);
	return 0;
}

unsigned int acpi_cpu_apic_ids(uint32_t *ids, unsigned int max)
{
	unsigned int n = min(max, acpi_info.nr_cpus);

	for (unsigned int i = 0; i < n; i++)
		ids[i] = acpi_info.cpu[i].apic_id;
	return n;
}

bool acpi_id_of_apic_id(uint32_t apic_id, uint32_t *ret_acpi_id)
{
	for (unsigned int i = 0; i < acpi_info.nr_cpus; i++) {
		if (acpi_info.cpu[i].apic_id == apic_id) {
			*ret_acpi_id = acpi_info.cpu[i].acpi_id;
			return true;
		}
	}
	return false;
}
