/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A Multiboot 2 structure of any content: it is read within its bounds, and what comes
 * of it is terminated, bounded and in order. (Multiboot 1 is pointers: the loader's
 * word; test_bootinfo has its cases.) Tries X8.
 */
#include <stdlib.h>

#include <hv/bootinfo.h>
#include <hosttest/machine.h>

char *ht_ram;
unsigned long ht_m2p[HT_FRAMES];
struct page_info *frame_table;

#include "../../../hypervisor/x86/boot/bootinfo.c"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t total = (uint32_t)ROUND_UP(size, 8UL) + 8;
	char *copy = aligned_alloc(8, total);

	memset(copy, 0, total);
	memcpy(copy, &total, 4);
	memcpy(copy + 8, data, size);
	memset(&boot_info, 0, sizeof(boot_info));
	machine_e820.nr = 0;
	ht_ram = copy;
	CHECK(bootinfo_read(MB2_LOADER_MAGIC, 0));
	CHECK(memchr(boot_info.cmdline, 0, sizeof(boot_info.cmdline)));
	CHECK(boot_info.nr_modules <= BOOT_MODULES_MAX);
	for (unsigned int i = 0; i < boot_info.nr_modules; i++)
		CHECK(memchr(boot_info.module[i].args, 0, sizeof(boot_info.module[i].args)));
	CHECK(machine_e820.nr <= E820_MAX);
	for (unsigned int i = 0; i < machine_e820.nr; i++) {
		const struct e820_entry *e = &machine_e820.e[i];

		CHECK(e->size && e->addr + e->size > e->addr);
		CHECK(!i || e[-1].addr + e[-1].size <= e->addr);
	}
	free(copy);
	return 0;
}
