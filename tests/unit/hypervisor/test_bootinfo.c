/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What boot loaders hand over, Multiboot 1 and 2: whole, and with each kind of
 * damage. The Multiboot 2 structure lies at the very end of memory that may be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/bootinfo.h>
#include <hosttest/machine.h>

/* paddr_to_virt() of the fake machine counts from there. */
char *ht_ram;
unsigned long ht_m2p[HT_FRAMES];
struct page_info *frame_table;

#include "../../../hypervisor/x86/boot/bootinfo.c"

static char ram[0x10000];

static void reset(void)
{
	memset(&boot_info, 0, sizeof(boot_info));
	machine_e820.nr = 0;
	ht_ram = ram;
}

/* ---- Multiboot 1 -------------------------------------------------------------------- */

static struct mb1_info *mb1_good(void)
{
	struct mb1_info *i = (void *)(ram + 0x100);
	struct mb1_module *m = (void *)(ram + 0x200);
	struct mb1_mmap *e = (void *)(ram + 0x300);

	reset();
	memset(ram, 0, sizeof(ram));
	strcpy(ram + 0x1000, "pavise  console=com1 loglvl=all");
	strcpy(ram + 0x1100, "vmlinuz root=/dev/sda quiet");
	i->flags = MB1_INFO_CMDLINE | MB1_INFO_MODS | MB1_INFO_MMAP;
	i->cmdline = 0x1000;
	i->mods_count = 3;
	i->mods_addr = 0x200;
	m[0] = (struct mb1_module){0x100000, 0x180000, 0x1100, 0};
	m[1] = (struct mb1_module){0x200000, 0x200000, 0x1100, 0}; /* empty */
	m[2] = (struct mb1_module){0x300000, 0x300001, 0, 0};
	i->mmap_addr = 0x300;
	i->mmap_length = 2 * sizeof(*e);
	e[0] = (struct mb1_mmap){20, 0x100000, 0x700000, 1};
	e[1] = (struct mb1_mmap){20, 0, 0x9fc00, 1};
	return i;
}

static void mb1(void **state)
{
	struct mb1_info *i = mb1_good();
	struct mb1_mmap *e = (void *)(ram + 0x300);

	assert_true(bootinfo_read(MB1_LOADER_MAGIC, 0x100));
	assert_string_equal(boot_info.loader, "Multiboot 1");
	assert_string_equal(boot_info.cmdline, "console=com1 loglvl=all");
	assert_int_equal(boot_info.nr_modules, 2);
	assert_int_equal(boot_info.module[0].start, 0x100000);
	assert_int_equal(boot_info.module[0].size, 0x80000);
	assert_string_equal(boot_info.module[0].args, "root=/dev/sda quiet");
	assert_int_equal(boot_info.module[1].size, 1);
	assert_string_equal(boot_info.module[1].args, "");
	assert_int_equal(machine_e820.nr, 2);
	assert_int_equal(machine_e820.e[0].addr, 0);
	assert_false(boot_info.has_rsdp);

	/* Nothing is given. */
	mb1_good()->flags = 0;
	assert_true(bootinfo_read(MB1_LOADER_MAGIC, 0x100));
	assert_string_equal(boot_info.cmdline, "");
	assert_int_equal(boot_info.nr_modules + machine_e820.nr, 0);

	/* More modules than we keep; entries of no or of more size; half an entry. */
	i = mb1_good();
	i->mods_count = 0xffffffff;
	e[0].size = 0;
	assert_true(bootinfo_read(MB1_LOADER_MAGIC, 0x100));
	assert_in_range(boot_info.nr_modules, 2, BOOT_MODULES_MAX);
	assert_int_equal(machine_e820.nr, 0);
	i = mb1_good();
	e[1].size = 0xffffffff;
	assert_true(bootinfo_read(MB1_LOADER_MAGIC, 0x100));
	assert_int_equal(machine_e820.nr, 2);
	i = mb1_good();
	i->mmap_length = 2 * sizeof(*e) - 1;
	assert_true(bootinfo_read(MB1_LOADER_MAGIC, 0x100));
	assert_int_equal(machine_e820.nr, 1);

	assert_false(bootinfo_read(0x12345678, 0x100));
}

/* ---- Multiboot 2 -------------------------------------------------------------------- */

static struct {
	char bytes[4096];
	uint32_t len;
} mb2;

static void tag(uint32_t type, const void *data, uint32_t len)
{
	struct mb2_tag t = {type, (uint32_t)sizeof(t) + len};

	memcpy(mb2.bytes + mb2.len, &t, sizeof(t));
	if (len)
		memcpy(mb2.bytes + mb2.len + sizeof(t), data, len);
	mb2.len = ROUND_UP(mb2.len + t.size, 8U);
	memcpy(mb2.bytes, &mb2.len, sizeof(mb2.len));
}

static void mb2_begin(void)
{
	memset(&mb2, 0, sizeof(mb2));
	mb2.len = 8;
}

/* On the heap, without a byte to spare. */
static void mb2_read(void)
{
	char *copy = aligned_alloc(8, mb2.len);

	reset();
	memcpy(copy, mb2.bytes, mb2.len);
	ht_ram = copy;
	assert_true(bootinfo_read(MB2_LOADER_MAGIC, 0));
	free(copy);
}

static void mb2_fill(void)
{
	static const struct {
		uint32_t start, end;
		char args[12];
	} module = {0x100000, 0x180000, "vmlinuz a b"};
	static const struct {
		uint32_t entry_size, version;
		struct mb2_mmap_entry e[2];
	} map = {24, 0, {{0x100000, 0x700000, 1, 0}, {0, 0x9fc00, 1, 0}}};
	uint64_t systab = 0x123456789abc;
	char rsdp[36];

	mb2_begin();
	tag(MB2_CMDLINE, "placeholder loglvl=all", 23);
	tag(MB2_MODULE, &module, sizeof(module));
	tag(99, "?", 1);
	tag(MB2_MMAP, &map, sizeof(map));
	tag(MB2_EFI64_ST, &systab, 8);
	memset(rsdp, 'n', sizeof(rsdp));
	tag(MB2_ACPI_NEW, rsdp, 36);
	memset(rsdp, 'o', sizeof(rsdp));
	tag(MB2_ACPI_OLD, rsdp, 20);
	tag(MB2_END, NULL, 0);
	tag(MB2_CMDLINE, "not any more", 13);
}

static void mb2_whole(void **state)
{
	mb2_fill();
	mb2_read();
	assert_string_equal(boot_info.loader, "Multiboot 2");
	assert_string_equal(boot_info.cmdline, "loglvl=all");
	assert_int_equal(boot_info.nr_modules, 1);
	assert_string_equal(boot_info.module[0].args, "a b");
	assert_int_equal(machine_e820.nr, 2);
	assert_true(boot_info.efi_systab == 0x123456789abc);
	assert_true(boot_info.has_rsdp);
	assert_int_equal(boot_info.rsdp[0], 'n');
	assert_int_equal(boot_info.rsdp[35], 'n');

	mb2_begin();
	tag(MB2_ACPI_OLD, "RSD PTR old.........", 20);
	mb2_read();
	assert_memory_equal(boot_info.rsdp, "RSD PTR old.........\0\0", 22);
}

/* Cut at any length, and any tag of any size: what is whole is read, the rest left. */
static void mb2_damaged(void **state)
{
	uint32_t whole;

	mb2_fill();
	whole = mb2.len;
	for (uint32_t len = 8; len < whole; len++) {
		mb2_fill();
		mb2.len = len;
		memcpy(mb2.bytes, &len, sizeof(len));
		mb2.len = ROUND_UP(len, 8U); /* what there is */
		mb2_read();
	}
	for (uint32_t off = 8; off + 8 <= whole; off += 8) {
		static const uint32_t sizes[] = {0, 1, 7, 8, 9, 12, 16, 4095, 0x7fffffff, ~0U};

		for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
			mb2_fill();
			memcpy(mb2.bytes + off + 4, &sizes[i], 4);
			mb2_read();
			mb2_fill();
			memcpy(mb2.bytes + off, &sizes[i], 4);
			mb2_read();
		}
	}
	/* Entries of a memory map that aren't multiples of 8 bytes apart */
	mb2_begin();
	{
		struct {
			uint32_t entry_size, version;
			char e[28 * 2];
		} map = {28, 0, {0}};
		struct mb2_mmap_entry e = {0x100000, 0x700000, 1, 0};

		memcpy(map.e, &e, sizeof(e));
		e.addr = 0x900000;
		memcpy(map.e + 28, &e, sizeof(e));
		tag(MB2_MMAP, &map, sizeof(map));
	}
	mb2_read();
	assert_int_equal(machine_e820.nr, 2);
	assert_int_equal(machine_e820.e[1].addr, 0x900000);
	/* A text without an end ends with its tag. */
	mb2_begin();
	tag(MB2_CMDLINE, "x abcdefghijklm", 8);
	mb2_read();
	assert_string_equal(boot_info.cmdline, "abcdef");
	mb2_begin();
	tag(MB2_CMDLINE, NULL, 0);
	mb2_read();
	assert_string_equal(boot_info.cmdline, "");
}

static void long_texts(void **state)
{
	static char text[3000];

	memset(text, 'y', sizeof(text));
	text[1] = ' ';
	mb2_begin();
	tag(MB2_CMDLINE, text, sizeof(text));
	mb2_read();
	assert_int_equal(strlen(boot_info.cmdline), sizeof(boot_info.cmdline) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mb1),
		cmocka_unit_test(mb2_whole),
		cmocka_unit_test(mb2_damaged),
		cmocka_unit_test(long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
