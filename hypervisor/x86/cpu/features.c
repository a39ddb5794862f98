/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Detection of CPU features and the control registers that follow from it.
 *
 * SMAP stays off: a PV guest's kernel runs its own IRETs in ring 3, and some
 * emulated CPUs fault on these with SMAP on (docs/caveats.md). The hypervisor
 * reaches guest memory only through guest_copy_in/out.
 */
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>

#define XSTATE_FP     1UL
#define XSTATE_SSE    2UL
#define XSTATE_AVX    4UL
#define XSTATE_AVX512 0xe0UL
#define XSTATE_PKRU   0x200UL

bool cpu_has_xsave __ro_after_init, cpu_has_fsgsbase __ro_after_init;
bool cpu_has_smep __ro_after_init, cpu_has_smap __ro_after_init, cpu_has_umip __ro_after_init;
uint64_t xcr0_host __ro_after_init = XSTATE_FP | XSTATE_SSE;
unsigned int xsave_size __ro_after_init = 512;
unsigned int cpu_paddr_bits __ro_after_init = 36;
unsigned long cr4_base __ro_after_init;

static void __init detect_xsave(void)
{
	struct cpuid_regs r;

	if (!cpu_has_xsave)
		return;
	r = cpuid_count(0xd, 0);
	/* Components that guests get: x87, SSE, AVX, AVX-512. */
	xcr0_host = (((uint64_t)r.d << 32) | r.a) &
		    (XSTATE_FP | XSTATE_SSE | XSTATE_AVX | XSTATE_AVX512);
	if ((xcr0_host & XSTATE_AVX512) != XSTATE_AVX512)
		xcr0_host &= ~XSTATE_AVX512;
	write_cr4(read_cr4() | X86_CR4_OSXSAVE);
	write_xcr0(xcr0_host);
	xsave_size = cpuid_count(0xd, 0).b;
}

void __init features_detect(void)
{
	struct cpuid_regs max = cpuid_count(0, 0), l1 = cpuid_count(1, 0), l7 = {0, 0, 0, 0};

	if (max.a >= 7)
		l7 = cpuid_count(7, 0);
	cpu_has_xsave = (l1.c >> 26) & 1;
	cpu_has_fsgsbase = l7.b & 1;
	cpu_has_smep = (l7.b >> 7) & 1;
	cpu_has_umip = (l7.c >> 2) & 1;
	if (cpuid_count(0x80000000, 0).a >= 0x80000008)
		cpu_paddr_bits = cpuid_count(0x80000008, 0).a & 0xff;
	cr4_base = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_MCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |
		   X86_CR4_DE;
	if (cpu_has_xsave)
		cr4_base |= X86_CR4_OSXSAVE;

	if (cpu_has_smep)
		cr4_base |= X86_CR4_SMEP;
	if (cpu_has_umip)
		cr4_base |= X86_CR4_UMIP;
	detect_xsave();
}

void features_init_cpu(void)
{
	write_cr0(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP | X86_CR0_PE |
		  X86_CR0_AM);
	write_cr4(cr4_base);
	if (cpu_has_xsave)
		write_xcr0(xcr0_host);
	wrmsr_safe(MSR_PAT, PAT_VALUE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NX);
}
