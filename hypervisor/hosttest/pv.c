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

/* Recognisable, and never walked. */
static uint64_t hypervisor_l4[PTES_PER_TABLE] = {
	[HV_L4_FIRST... HV_L4_LAST] = 0x0000555500000000UL | PTE_P,
};
uint64_t *idle_l4 = hypervisor_l4;

void pv_load_root(struct vcpu *v)
{
	if (v != current)
		return;
	tlb_flush_local();
	xpti_new_root();
}

/* ---- roots of CPUs: only what is copied from guests' is of interest --------------------- */

struct cpu_info ht_cpu_info[HT_CPUS];
unsigned long cr4_base = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;

int paging_show(uint64_t *l4, unsigned long va, unsigned long nr, uint64_t flags)
{
	return 0;
}

int paging_share_l1(uint64_t *l4, unsigned long va)
{
	return 0;
}

uint64_t *paging_l1_of(unsigned long va)
{
	panic("Nothing of the hypervisor's is mapped here");
}

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
