/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A CPU for the emulation (x86/pv/emulate.c and what it calls): registers that can
 * be looked at, I/O ports that are remembered, and no mercy for what a real one would
 * answer by an exception in the hypervisor.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/time.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pci.h>
#include <arch/pv.h>
#include <arch/traps.h>

#define CR4_EXISTS 0x7fffffUL
#define DR7_GD     0x2000UL

struct ht_cpu_regs ht_regs;
struct cpuid_regs (*ht_cpuid)(uint32_t leaf, uint32_t subleaf);
struct ht_port_access ht_port_log[HT_PORT_LOG];
unsigned int ht_port_accesses, ht_blocks;
struct ht_injected ht_injected = {-1, 0, 0};

bool cpu_has_xsave = true, cpu_has_fsgsbase = true, time_tsc_stable = true;
uint64_t xcr0_host = 7, time_tsc_khz = 2600000;
unsigned int xsave_size = 832, nr_gsis = 24;

/* ---- registers -------------------------------------------------------------------- */

static uint64_t *msr_of(uint32_t msr)
{
	switch (msr) {
	case MSR_FS_BASE:
		return &ht_regs.fs_base;
	case MSR_GS_BASE:
		return &ht_regs.gs_base;
	case MSR_KERNEL_GS_BASE:
		return &ht_regs.kernel_gs_base;
	case MSR_APIC_BASE:
		return &ht_regs.apic_base;
	default:
		panic("MSR %#x for a guest", msr);
	}
}

uint64_t rdmsr(uint32_t msr)
{
	return *msr_of(msr);
}

void wrmsr(uint32_t msr, uint64_t v)
{
	if (msr == MSR_APIC_BASE || !is_canonical(v))
		panic("%#lx into MSR %#x for a guest", v, msr);
	*msr_of(msr) = v;
}

bool rdmsr_safe(uint32_t msr, uint64_t *ret_val)
{
	*ret_val = msr;
	return msr != MSR_MISC_ENABLE;
}

unsigned long read_cr0(void)
{
	return ht_regs.cr0;
}

void write_cr0(unsigned long v)
{
	if ((v ^ ht_regs.cr0) & ~X86_CR0_TS)
		panic("CR0 %#lx for a guest", v);
	ht_regs.cr0 = v;
}

void clear_cr0_ts(void)
{
	ht_regs.cr0 &= ~X86_CR0_TS;
}

void write_cr4(unsigned long v)
{
	if ((v ^ cr4_base) & ~(X86_CR4_TSD | X86_CR4_DE | X86_CR4_FSGSBASE))
		panic("CR4 %#lx for a guest", v);
	ht_regs.cr4 = v;
}

void write_xcr0(uint64_t v)
{
	if (!(v & 1) || v & ~xcr0_host || ((v & 4) && !(v & 2)))
		panic("XCR0 %#lx for a guest", v);
	ht_regs.xcr0 = v;
}

void ht_write_dr(unsigned int n, uint64_t v)
{
	if (n < 4 && (!is_canonical(v) || in_hypervisor_range(v)))
		panic("DR%u %#lx for a guest", n, v);
	if (n >= 6 && v >> 32)
		panic("DR%u %#lx", n, v);
	if (n == 7 && v & DR7_GD)
		panic("DR7 %#lx for a guest", v);
	for (unsigned int i = 0; n == 7 && i < 4; i++) {
		if ((v >> (16 + 4 * i) & 3) == 2 && v >> (2 * i) & 3)
			panic("DR7 %#lx: a breakpoint on I/O", v);
	}
	ht_regs.dr[n] = v;
}

/* Everything there is, four logical CPUs, three levels of caches. */
static struct cpuid_regs full_cpuid(uint32_t leaf, uint32_t subleaf)
{
	switch (leaf) {
	case 0:
		return (struct cpuid_regs){0x1f, 0x756e6547, 0x6c65746e, 0x49656e69};
	case 1:
		return (struct cpuid_regs){0x000506e3, 0x03040800, ~0U, ~0U};
	case 4:
		return (struct cpuid_regs){subleaf < 3 ? 0xfc004120 | (subleaf + 1) : 0, 0x1c0003f,
					   63, 0};
	case 7:
		return (struct cpuid_regs){2, ~0U, ~0U, ~0U};
	case 0xd:
		return subleaf == 0   ? (struct cpuid_regs){7, 832, 832, 0}
		       : subleaf == 1 ? (struct cpuid_regs){0xf, 0, 0, 0}
		       : subleaf == 2 ? (struct cpuid_regs){256, 576, 0, 0}
				      : (struct cpuid_regs){0, 0, 0, 0};
	case 0x80000000:
		return (struct cpuid_regs){0x80000021, 0, 0, 0};
	case 0x80000007:
		return (struct cpuid_regs){~0U, ~0U, ~0U, ~0U};
	case 0x80000008:
		return (struct cpuid_regs){0x3030, ~0U, ~0U, ~0U};
	default:
		return (struct cpuid_regs){~leaf, ~0U, ~0U, ~0U};
	}
}

struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t subleaf)
{
	return ht_cpuid ? ht_cpuid(leaf, subleaf) : full_cpuid(leaf, subleaf);
}

struct time_scale time_scale_of(uint64_t khz)
{
	return (struct time_scale){(uint32_t)(khz * 3), -1};
}

/* ---- I/O ports ---------------------------------------------------------------------- */

void ht_ports_clear(void)
{
	ht_port_accesses = 0;
}

static void log_access(bool write, bool pci, unsigned int port, unsigned int size, uint32_t val)
{
	if (ht_port_accesses == HT_PORT_LOG)
		panic("%u accesses to ports at a time", HT_PORT_LOG);
	ht_port_log[ht_port_accesses++] =
		(struct ht_port_access){write, pci, (uint16_t)port, (uint8_t)size, val};
}

uint32_t ht_port_value(unsigned int port, unsigned int size)
{
	uint32_t val = 0x80c0a090U + port * 0x01010101U;

	return size == 4 ? val : val & ((1U << 8 * size) - 1);
}

uint8_t inb(uint16_t port)
{
	log_access(false, false, port, 1, 0);
	return (uint8_t)ht_port_value(port, 1);
}

uint16_t inw(uint16_t port)
{
	log_access(false, false, port, 2, 0);
	return (uint16_t)ht_port_value(port, 2);
}

uint32_t inl(uint16_t port)
{
	log_access(false, false, port, 4, 0);
	return ht_port_value(port, 4);
}

void outb(uint16_t port, uint8_t v)
{
	log_access(true, false, port, 1, v);
}

void outw(uint16_t port, uint16_t v)
{
	log_access(true, false, port, 2, v);
}

void outl(uint16_t port, uint32_t v)
{
	log_access(true, false, port, 4, v);
}

uint32_t pci_port_read(struct domain *d, unsigned int port, unsigned int bytes)
{
	log_access(false, true, port, bytes, 0);
	return ht_port_value(port, bytes);
}

void pci_port_write(struct domain *d, unsigned int port, unsigned int bytes, uint32_t val)
{
	log_access(true, true, port, bytes, val);
}

/* ---- what becomes of the guest --------------------------------------------------------- */

void pv_inject_page_fault(struct vcpu *v, unsigned long cr2, uint32_t error)
{
	ht_injected = (struct ht_injected){TRAP_PF, error, cr2};
}

void pv_inject_trap(struct vcpu *v, unsigned int vector, uint32_t error)
{
	ht_injected = (struct ht_injected){(int)vector, error, 0};
}

void vcpu_block(struct vcpu *v)
{
	ht_blocks++;
}
