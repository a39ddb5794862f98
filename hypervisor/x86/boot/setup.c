/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Start-up of the boot CPU, step by step, up to the first instruction of the
 * control domain. The order is the dependencies'; each step may use all before it.
 */
#include <hv/audit.h>
#include <hv/bootinfo.h>
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/coverage.h>
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/percpu.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/stack_protector.h>
#include <hv/time.h>
#include <hv/timer.h>
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/dom0.h>
#include <arch/features.h>
#include <arch/ns16550.h>
#include <arch/mca.h>
#include <arch/page.h>
#include <arch/setup.h>
#include <arch/spec_ctrl.h>
#include <arch/traps.h>

extern const struct cmdline_option __cmdline_start[], __cmdline_end[];

/* Known to users of Xen's command line; nothing here needs them. */
CMDLINE_IGNORED("no-real-mode");
CMDLINE_IGNORED("edd");
CMDLINE_IGNORED("vga");
CMDLINE_IGNORED("placeholder");
CMDLINE_IGNORED("cpufreq");
CMDLINE_IGNORED("ucode");

static void __init reserve_boot_memory(void)
{
	boot_reserve(0, 0x100000); /* the firmware's, and the other CPUs' start-up code */
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

static void __init init_memory(void)
{
	reserve_boot_memory();
	paging_init();
	boot_alloc_finish();
	paging_use_allocator();
	console_init_ring();
	pr_info("Memory: %lu MiB, %lu MiB free\n", (total_pages << PAGE_SHIFT) >> 20,
		(page_free_count() << PAGE_SHIFT) >> 20);
}

static void __init init_boot_cpu(void)
{
	struct cpu_info *ci;

	percpu_alloc(0);
	if (desc_alloc_cpu(0))
		panic("No memory for the boot CPU's stack");
	ci = desc_stack_top(0);
	timer_init_cpu(0);
	timers_init();
	domains_init();
	sched_init();
	ci->vcpu = cpu_info()->vcpu = sched_idle_vcpu(0);
	desc_load_cpu(0);
	features_report();
}

static void __init init_devices(void)
{
	if (boot_info.has_rsdp)
		acpi_set_rsdp(image_paddr(boot_info.rsdp));
	if (acpi_init())
		pr_err("No usable ACPI tables: one CPU, no devices' interrupts\n");
	apic_init_bsp();
	time_init();
	mca_init_cpu();
	irq_init();
	if (ns16550_port())
		ioport_deny(ns16550_port(), NS16550_NR_PORTS);
	local_irq_enable();
	console_init_irq();
}

static void __init init_debug_keys(void)
{
	keyhandler_init();
	domain_init_keys();
	audit_init();
	if (IS_ENABLED(CONFIG_COVERAGE))
		coverage_init();
}

/* On the boot CPU's proper stack; nothing of the image's init part is in use. */
static void free_init_memory(void)
{
	unsigned long pages = (unsigned long)(__init_end - __init_start) / PAGE_SIZE;

	paging_seal_image();
	page_alloc_add(_mfn(image_paddr(__init_start) >> PAGE_SHIFT),
		       _mfn(image_paddr(__init_end) >> PAGE_SHIFT));
	pr_info("%lu KiB of start-up code freed; %lu MiB of memory free\n", pages * PAGE_SIZE >> 10,
		(page_free_count() << PAGE_SHIFT) >> 20);
}

static __noreturn void finish_start(void)
{
	local_irq_enable();
	free_init_memory();
	dom0_start();
	idle_loop();
}

#define RDRAND_THERE (1U << 30) /* CPUID leaf 1, ECX */

/* As random as it gets: RDRAND where it is, and always the time. */
static unsigned long __init random_number(void)
{
	uint64_t r = 0;

	if (cpuid_count(1, 0).c & RDRAND_THERE)
		(void)rdrand(&r);
	return r ^ rdtsc();
}

__noreturn void __init start_hv(uint32_t magic, paddr_t info)
{
	memset(cpu_info(), 0, sizeof(struct cpu_info));
	cpu_online_map = cpumask_of(0);
	if (!bootinfo_read(magic, info)) {
		console_init_early();
		panic("Not started by a Multiboot loader (magic %#x)", magic);
	}
	cmdline_parse(boot_info.cmdline, __cmdline_start, __cmdline_end);
	console_init_early();
	print_banner();
	features_detect();
	stack_protector_seed(random_number());
	features_init_cpu();
	spec_ctrl_init();
	spec_ctrl_init_cpu();
	desc_init_boot();
	init_memory();
	init_boot_cpu();
	init_devices();
	smp_boot_cpus();
	init_debug_keys();
	dom0_build();
	jump_on_stack(finish_start, desc_stack_top(0));
}
