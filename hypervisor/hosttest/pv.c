/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What x86/mm, x86/pv/domain.c and x86/pv/descriptor.c use of a CPU and of the
 * rest of the hypervisor.
 */
#include <hv/bootinfo.h>
#include <hv/domain.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/memory.h>
#include <arch/page.h>
#include <arch/pv.h>
#include <arch/traps.h>
#include <arch/xpti.h>

unsigned int cpu_paddr_bits = 46;
struct e820_map machine_e820 = {1, {{0, HT_FRAMES *PAGE_SIZE, E820_RAM}}};

void pv_load_root(struct vcpu *v)
{
	if (v != current)
		return;
	tlb_flush_local();
	xpti_new_root();
}

struct cpu_info ht_cpu_info[HT_CPUS];
unsigned long cr4_base = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;

static uint64_t windows[HT_CPUS][32];

uint64_t *desc_gdt_ptes(unsigned int cpu)
{
	return windows[cpu];
}

void desc_set_ldt(unsigned int cpu, unsigned int entries)
{
}

unsigned long pv_fix_rflags(unsigned long f)
{
	return f;
}

void arch_vcpu_sync(struct vcpu *v)
{
}

void pv_forget_domain(const struct domain *d)
{
}

mfn_t memory_m2p_chunk(unsigned long chunk)
{
	return chunk ? INVALID_MFN : _mfn(1);
}

long hypercall_no_subop(unsigned int op, unsigned int cmd)
{
	return -ENOSYS;
}
