/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * x86/dev/acpi_tables.c and acpi_parse.c on made-up firmware: a good set of tables
 * is read right, in both forms of the root; each kind of damage leaves out what is
 * damaged and nothing else; no damage at random makes the parsers read outside of
 * what they mapped (the sanitizers watch: every mapping is a heap block of exactly
 * the length asked for).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/lib.h>
#include <arch/acpi.h>

#define FW_BASE 0x7fe00000UL
#define FW_SIZE 0x4000

/* Where things are in the firmware's memory */
#define AT_RSDP  0x0
#define AT_RSDT  0x100
#define AT_XSDT  0x200
#define AT_MADT  0x400
#define AT_FADT  0x800
#define AT_HPET  0xa00
#define AT_MCFG  0xb00
#define AT_DSDT  0xc00
#define AT_SSDT  0xe00
#define AT_BIOS  0x1000 /* what appears at 0xe0000 */
#define BIOS_LEN 0x2000

static uint8_t fw[FW_SIZE];
static unsigned int rsdp_in_bios;

void printk(enum loglvl lvl, const char *fmt, ...)
{
}

/*
 * Blocks that are handed out, so that a table can be changed through its mapping:
 * copies, for an exact end.
 */
static struct {
	paddr_t pa;
	size_t len;
	uint8_t *p;
} maps[256];
static unsigned int nr_maps;

void *acpi_map(paddr_t pa, size_t len)
{
	uint8_t *p;

	if (pa == 0x40e && len == 2)
		return NULL;
	if (pa == 0xe0000 && len == 0x20000) {
		p = calloc(1, len);
		if (rsdp_in_bios)
			memcpy(p + rsdp_in_bios, fw + AT_RSDP, 36);
	} else if (pa < FW_BASE || pa - FW_BASE > FW_SIZE || len > FW_SIZE - (pa - FW_BASE)) {
		return NULL;
	} else {
		p = malloc(len);
		memcpy(p, fw + (pa - FW_BASE), len);
	}
	assert_true(nr_maps < ARRAY_SIZE(maps));
	maps[nr_maps].pa = pa;
	maps[nr_maps].len = len;
	maps[nr_maps++].p = p;
	return p;
}

static void unmap_all(void)
{
	while (nr_maps)
		free(maps[--nr_maps].p);
}

static void put(unsigned int at, uint64_t v, unsigned int n)
{
	memcpy(fw + at, &v, n);
}

static void fix_sum(unsigned int at, unsigned int len, unsigned int where)
{
	uint8_t sum = 0;

	fw[at + where] = 0;
	for (unsigned int i = 0; i < len; i++)
		sum = (uint8_t)(sum + fw[at + i]);
	fw[at + where] = (uint8_t)-sum;
}

static void sdt(unsigned int at, const char *sig, unsigned int len)
{
	memcpy(fw + at, sig, 4);
	put(at + 4, len, 4);
	fix_sum(at, len, 9);
}

static uint32_t sdt_len(unsigned int at)
{
	uint32_t len;

	memcpy(&len, fw + at + 4, 4);
	return len;
}

static void make_rsdp(unsigned int revision)
{
	memcpy(fw + AT_RSDP, "RSD PTR ", 8);
	fw[AT_RSDP + 15] = (uint8_t)revision;
	put(AT_RSDP + 16, FW_BASE + AT_RSDT, 4);
	put(AT_RSDP + 20, 36, 4);
	put(AT_RSDP + 24, FW_BASE + AT_XSDT, 8);
	fix_sum(AT_RSDP, 20, 8);
	fix_sum(AT_RSDP, 36, 32);
}

static unsigned int madt_add(unsigned int off, const uint8_t *e)
{
	memcpy(fw + AT_MADT + off, e, e[1]);
	return off + e[1];
}

static void make_madt(void)
{
	static const uint8_t entries[][16] = {
		{0, 8, 0, 0, 1}, /* CPU 0 */
		{0, 8, 1, 2, 1}, /* CPU 1 with APIC id 2 */
		{0, 8, 2, 4, 0}, /* not enabled */
		{0, 8, 3, 6, 2}, /* online capable only */
		{9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1}, /* APIC id 2 again */
		{9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 9}, /* APIC id 256 */
		{1, 12, 7, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0},
		{1, 12, 8, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0},
		{2, 10, 0, 0, 2, 0, 0, 0, 0, 0}, /* IRQ 0 -> GSI 2 */
		{2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0}, /* IRQ 9: level, high */
		{2, 10, 0, 11, 20, 0, 0, 0, 0x0f, 0}, /* IRQ 11 -> 20: level, low */
		{2, 10, 1, 12, 21, 0, 0, 0, 0x0f, 0}, /* no ISA interrupt */
		{2, 10, 0, 77, 22, 0, 0, 0, 0x0f, 0}, /* nor is this */
		{4, 6, 0xff, 0, 0, 1}, /* NMI: not of interest */
		{0x80, 4}, /* firmware's own */
	};
	unsigned int off = 44;

	put(AT_MADT + 36, 0xfee00000, 4);
	put(AT_MADT + 40, 1, 4);
	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++)
		off = madt_add(off, entries[i]);
	sdt(AT_MADT, "APIC", off);
}

static void make_fadt(void)
{
	put(AT_FADT + 40, FW_BASE + AT_DSDT, 4);
	put(AT_FADT + 46, 9, 2);
	put(AT_FADT + 56, 0x600, 4);
	put(AT_FADT + 64, 0x604, 4);
	put(AT_FADT + 76, 0x608, 4);
	fw[AT_FADT + 88] = 4;
	fw[AT_FADT + 108] = 0x32;
	put(AT_FADT + 112, 1U << 8 | 1U << 10, 4);
	fw[AT_FADT + 116] = ACPI_SPACE_IO;
	fw[AT_FADT + 117] = 8;
	put(AT_FADT + 120, 0xcf9, 8);
	fw[AT_FADT + 128] = 0x0f;
	sdt(AT_FADT, "FACP", 244);
}

static void make_others(void)
{
	static const uint8_t s5[] = {0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x0a, 7, 0, 0};

	put(AT_HPET + 44, 0xfed00000, 8);
	sdt(AT_HPET, "HPET", 56);
	put(AT_MCFG + 44, 0xb0000000, 8);
	fw[AT_MCFG + 55] = 255;
	sdt(AT_MCFG, "MCFG", 60);
	memcpy(fw + AT_DSDT + 50, s5, sizeof(s5));
	sdt(AT_DSDT, "DSDT", 100);
	sdt(AT_SSDT, "SSDT", 60);
}

static int make_firmware(void **state)
{
	static const unsigned int named[] = {AT_MADT, AT_FADT, AT_HPET, AT_MCFG, AT_SSDT};

	memset(fw, 0, sizeof(fw));
	rsdp_in_bios = 0;
	make_rsdp(2);
	make_madt();
	make_fadt();
	make_others();
	for (unsigned int i = 0; i < ARRAY_SIZE(named); i++) {
		put(AT_RSDT + 36 + 4 * i, FW_BASE + named[i], 4);
		put(AT_XSDT + 36 + 8 * i, FW_BASE + named[i], 8);
	}
	sdt(AT_RSDT, "RSDT", 36 + 4 * ARRAY_SIZE(named));
	sdt(AT_XSDT, "XSDT", 36 + 8 * ARRAY_SIZE(named));
	acpi_set_rsdp(FW_BASE + AT_RSDP);
	return 0;
}

static int drop_firmware(void **state)
{
	unmap_all();
	return 0;
}

static void assert_isa(unsigned int irq, unsigned int gsi, bool level, bool low)
{
	assert_int_equal(acpi_info.isa[irq].gsi, gsi);
	assert_int_equal(acpi_info.isa[irq].level, level);
	assert_int_equal(acpi_info.isa[irq].active_low, low);
}

static void good_tables(void **state)
{
	uint32_t ids[8], acpi_id;

	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_cpu_apic_ids(ids, 8), 3);
	assert_int_equal(ids[0], 0);
	assert_int_equal(ids[1], 2);
	assert_int_equal(ids[2], 256);
	assert_int_equal(acpi_cpu_apic_ids(ids, 2), 2);
	assert_true(acpi_id_of_apic_id(256, &acpi_id));
	assert_int_equal(acpi_id, 9);
	assert_false(acpi_id_of_apic_id(4, &acpi_id));
	assert_int_equal(acpi_info.lapic_addr, 0xfee00000);
	assert_true(acpi_info.has_8259);
	assert_int_equal(acpi_info.nr_ioapics, 2);
	assert_int_equal(acpi_info.ioapic[0].addr, 0xfec00000);
	assert_int_equal(acpi_info.ioapic[1].addr, 0xfec01000);
	assert_int_equal(acpi_info.ioapic[1].gsi_base, 24);
	assert_isa(0, 2, false, false);
	assert_isa(1, 1, false, false);
	assert_isa(9, 9, true, false);
	assert_isa(11, 20, true, true);
	assert_isa(12, 12, false, false);
	assert_int_equal(acpi_info.sci, 9);
	assert_int_equal(acpi_info.century, 0x32);
	assert_int_equal(acpi_info.pm1a_cnt.addr, 0x604);
	assert_int_equal(acpi_info.pm1a_cnt.space, ACPI_SPACE_IO);
	assert_int_equal(acpi_info.pm1b_cnt.addr, 0);
	assert_int_equal(acpi_info.pm_timer.addr, 0x608);
	assert_true(acpi_info.pm_timer_32bit);
	assert_int_equal(acpi_info.reset.addr, 0xcf9);
	assert_int_equal(acpi_info.reset_value, 0x0f);
	assert_int_equal(acpi_info.hpet_addr, 0xfed00000);
	assert_int_equal(acpi_info.nr_mcfg, 1);
	assert_int_equal(acpi_info.mcfg[0].addr, 0xb0000000);
	assert_int_equal(acpi_info.mcfg[0].end_bus, 255);
	assert_true(acpi_info.s5_known);
	assert_int_equal(acpi_info.s5_typ_a, 5);
	assert_int_equal(acpi_info.s5_typ_b, 7);
}

static void old_root(void **state)
{
	make_rsdp(0);
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_cpus, 3);
}

static void root_damaged(void **state)
{
	fw[AT_XSDT + 40]++;
	assert_int_equal(acpi_init(), 0); /* by the RSDT */
	assert_int_equal(acpi_info.nr_cpus, 3);
	unmap_all();
	fw[AT_RSDT + 40]++;
	assert_int_equal(acpi_init(), -EINVAL);
}

static void root_pointer_damaged(void **state)
{
	fw[AT_RSDP + 9]++;
	assert_int_equal(acpi_init(), -ENOENT);
	unmap_all();
	acpi_set_rsdp(0);
	assert_int_equal(acpi_init(), -ENOENT);
	unmap_all();
	make_rsdp(2);
	rsdp_in_bios = 0x4a50;
	assert_int_equal(acpi_init(), 0);
	unmap_all();
	rsdp_in_bios = 0x20000 - 16; /* doesn't fit */
	rsdp_in_bios -= 32;
	assert_int_equal(acpi_init(), 0);
	unmap_all();
	rsdp_in_bios = 0x4a58; /* not where it may be */
	assert_int_equal(acpi_init(), -ENOENT);
}

static void table_damaged(void **state)
{
	fw[AT_MADT + 50]++;
	put(AT_HPET + 4, 20, 4); /* shorter than its header */
	put(AT_MCFG + 4, 0xffffffff, 4); /* longer than anything */
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_cpus, 0);
	assert_isa(9, 9, false, false);
	assert_int_equal(acpi_info.hpet_addr, 0);
	assert_int_equal(acpi_info.nr_mcfg, 0);
	assert_int_equal(acpi_info.pm1a_cnt.addr, 0x604);
}

static void madt_entries_damaged(void **state)
{
	/* The third entry claims no bytes: those before it count. */
	fw[AT_MADT + 44 + 17] = 0;
	sdt(AT_MADT, "APIC", sdt_len(AT_MADT));
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_cpus, 2);
	unmap_all();
	/* It claims more than there are. */
	fw[AT_MADT + 44 + 17] = 255;
	sdt(AT_MADT, "APIC", sdt_len(AT_MADT));
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_cpus, 2);
	unmap_all();
	/* It is shorter than its kind. */
	make_madt();
	fw[AT_MADT + 45] = 4;
	memset(fw + AT_MADT + 48, 0, 4);
	fw[AT_MADT + 49] = 4;
	sdt(AT_MADT, "APIC", sdt_len(AT_MADT));
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_cpus, 2);
}

static void too_many_cpus(void **state)
{
	unsigned int off = 44;

	for (unsigned int i = 0; i < ACPI_MAX_CPUS + 20; i++) {
		uint8_t e[16] = {9, 16};

		memcpy(e + 4, &i, 4);
		e[8] = 1;
		memcpy(fw + AT_BIOS + off, e, 16);
		off += 16;
	}
	put(AT_XSDT + 36, FW_BASE + AT_BIOS, 8);
	sdt(AT_XSDT, "XSDT", sdt_len(AT_XSDT));
	sdt(AT_BIOS, "APIC", off);
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_cpus, ACPI_MAX_CPUS);
}

static void registers_in_new_form(void **state)
{
	fw[AT_FADT + 172] = ACPI_SPACE_IO;
	put(AT_FADT + 176, 0xb004, 8);
	put(AT_FADT + 140, FW_BASE + AT_SSDT, 8); /* X_DSDT: not one */
	fw[AT_FADT + 208] = ACPI_SPACE_IO;
	put(AT_FADT + 212, 0x10008, 8); /* no such port */
	sdt(AT_FADT, "FACP", 244);
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.pm1a_cnt.addr, 0xb004);
	assert_int_equal(acpi_info.pm_timer.addr, 0);
	assert_false(acpi_info.s5_known);
}

static void short_fadt(void **state)
{
	sdt(AT_FADT, "FACP", 116);
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.pm1a_cnt.addr, 0x604);
	assert_int_equal(acpi_info.reset.addr, 0);
}

static void s5_forms(void **state)
{
	static const uint8_t root[] = {0x08, '\\', '_', 'S', '5', '_', 0x12, 0x40, 6, 2, 1, 0};
	static const uint8_t use[] = {0x70, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x0a, 7};
	static const uint8_t cut[] = {0x08, '_', 'S', '5', '_', 0x12, 0xc0, 0, 0};

	memset(fw + AT_DSDT + 36, 0, 64);
	memcpy(fw + AT_DSDT + 50, use, sizeof(use));
	memcpy(fw + AT_DSDT + 100 - sizeof(cut), cut, sizeof(cut));
	sdt(AT_DSDT, "DSDT", 100);
	assert_int_equal(acpi_init(), 0);
	assert_false(acpi_info.s5_known);
	unmap_all();
	memcpy(fw + AT_SSDT + 40, root, sizeof(root));
	sdt(AT_SSDT, "SSDT", 60);
	assert_int_equal(acpi_init(), 0);
	assert_true(acpi_info.s5_known);
	assert_int_equal(acpi_info.s5_typ_a, 1);
	assert_int_equal(acpi_info.s5_typ_b, 0);
}

static void windows_that_make_no_sense(void **state)
{
	put(AT_MCFG + 44 + 16, 0xb0001000, 8); /* not on a bus's boundary */
	put(AT_MCFG + 44 + 32, 0xc0000000, 8);
	fw[AT_MCFG + 44 + 42] = 3; /* ends before it starts */
	put(AT_MCFG + 44 + 48, 0xc0000000, 8);
	sdt(AT_MCFG, "MCFG", 44 + 64 + 10);
	assert_int_equal(acpi_init(), 0);
	assert_int_equal(acpi_info.nr_mcfg, 2);
}

static void hiding(void **state)
{
	uint8_t sum = 0;
	const uint8_t *p;
	uint32_t len;

	assert_int_equal(acpi_init(), 0);
	p = acpi_find_table("HPET", 0, &len);
	assert_non_null(p);
	assert_null(acpi_find_table("HPET", 1, &len));
	acpi_hide_table("HPET");
	acpi_hide_table("HPET");
	assert_memory_equal(p, "hPET", 4);
	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	assert_int_equal(sum, 0);
	acpi_hide_table("DMAR");
}

/* Bytes of one table at random, checksum put right so that it is looked at. */
static void damage_at_random(void **state)
{
	static const unsigned int at[] = {AT_MADT, AT_FADT, AT_HPET, AT_MCFG,
					  AT_DSDT, AT_SSDT, AT_XSDT};

	srand(2);
	for (unsigned int n = 0; n < 20000; n++) {
		unsigned int t = at[(unsigned int)rand() % ARRAY_SIZE(at)], len;

		make_firmware(NULL);
		len = sdt_len(t);
		for (unsigned int k = (unsigned int)rand() % 8; k; k--)
			fw[t + 36 + (unsigned int)rand() % (len - 36)] = (uint8_t)rand();
		if (rand() % 4 == 0)
			len = 36 + (unsigned int)rand() % (len - 35);
		put(t + 4, len, 4);
		fix_sum(t, len, 9);
		assert_int_equal(acpi_init(), 0);
		unmap_all();
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_firmware, drop_firmware)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_tables),
		TEST(old_root),
		TEST(root_damaged),
		TEST(root_pointer_damaged),
		TEST(table_damaged),
		TEST(madt_entries_damaged),
		TEST(too_many_cpus),
		TEST(registers_in_new_form),
		TEST(short_fadt),
		TEST(s5_forms),
		TEST(windows_that_make_no_sense),
		TEST(hiding),
		TEST(damage_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
