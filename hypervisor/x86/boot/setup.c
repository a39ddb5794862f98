/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Start-up of the boot CPU, step by step. */
#include <hv/bootinfo.h>
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/cpumask.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/percpu.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/setup.h>

extern const struct cmdline_option __cmdline_start[], __cmdline_end[];

static void __init reserve_boot_memory(void)
{
	boot_reserve(0, 0x100000);
	boot_reserve(HV_PHYS_START, image_paddr(__image_end));
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *m = &boot_info.module[i];

		boot_reserve(m->start, m->start + m->size);
	}
}

static void __init print_banner(void)
{
	pr_info("Pavise %s, loaded by %s\n", HV_VERSION_STRING, boot_info.loader);
	pr_info("Command line: %s\n", boot_info.cmdline);
}

__noreturn void __init start_hv(uint32_t magic, paddr_t info)
{
	struct cpu_info *ci = cpu_info();

	memset(ci, 0, sizeof(*ci));
	cpu_online_map = cpumask_of(0);
	if (!bootinfo_read(magic, info)) {
		console_init_early();
		panic("Not started by a Multiboot loader (magic %#x)", magic);
	}
	console_init_early();
	cmdline_parse(boot_info.cmdline, __cmdline_start, __cmdline_end);
	print_banner();
	reserve_boot_memory();
	paging_init();
	pr_info("Memory: %lu frames\n", max_page);
	boot_alloc_finish();
	paging_use_allocator();
	console_init_ring();
	pr_info("free %lu\n", page_free_count());
	for (;;)
		__asm__ volatile("cli; hlt");
}
