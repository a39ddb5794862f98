/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A vCPU's segment registers and their bases, out of and into its CPU.
 * No state of its own; interrupts are off.
 */
#include <hv/domain.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/pv.h>
#include <arch/traps.h>

/* Guests set bases by instruction, unchecked by some CPUs; MSR writes are checked. */
static uint64_t canonical_or_zero(uint64_t base)
{
	return is_canonical(base) ? base : 0;
}

void pv_save_segments(struct vcpu *v)
{
	struct cpu_user_regs *r = &v->arch.regs;
	uint64_t gs = rdmsr(MSR_GS_BASE), other = rdmsr(MSR_KERNEL_GS_BASE);

	__asm__ volatile("mov %%ds, %0" : "=m"(r->ds));
	__asm__ volatile("mov %%es, %0" : "=m"(r->es));
	__asm__ volatile("mov %%fs, %0" : "=m"(r->fs));
	__asm__ volatile("mov %%gs, %0" : "=m"(r->gs));
	v->arch.fs_base = canonical_or_zero(rdmsr(MSR_FS_BASE));
	v->arch.gs_base_kernel = canonical_or_zero(v->arch.in_kernel ? gs : other);
	v->arch.gs_base_user = canonical_or_zero(v->arch.in_kernel ? other : gs);
}

#define LOAD_SEG(seg, sel, failed)                                                       \
	__asm__ volatile("1: mov %w1, %%" #seg "\n"                                      \
			 "2:\n\t"                                                        \
			 ".pushsection .text.fixup, \"ax\"\n"                            \
			 "3: xor %k0, %k0; mov %w0, %%" #seg "; mov $1, %k0; jmp 2b\n\t" \
			 ".popsection\n\t" EXTABLE(1b, 3b)                               \
			 : "+r"(failed)                                                  \
			 : "r"((unsigned int)(sel)))

bool pv_load_segments(struct vcpu *v)
{
	const struct cpu_user_regs *r = &v->arch.regs;
	unsigned int failed = 0;

	LOAD_SEG(ds, r->ds, failed);
	LOAD_SEG(es, r->es, failed);
	LOAD_SEG(fs, r->fs, failed);
	LOAD_SEG(gs, r->gs, failed);
	wrmsr(MSR_FS_BASE, v->arch.fs_base);
	wrmsr(MSR_GS_BASE, v->arch.in_kernel ? v->arch.gs_base_kernel : v->arch.gs_base_user);
	wrmsr(MSR_KERNEL_GS_BASE,
	      v->arch.in_kernel ? v->arch.gs_base_user : v->arch.gs_base_kernel);
	return failed;
}
