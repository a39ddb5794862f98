/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Control registers and MSRs as PV guests see them. What is not listed raises
 * #GP in the guest, which its kernel expects of registers that don't exist.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/mca.h>
#include <arch/page.h>
#include <arch/pv.h>

#define MSR_UCODE_REV     0x8b
#define MSR_MTRR_CAP      0xfe
#define MSR_MISC_FEATURES 0x140
#define MSR_PLATFORM_INFO 0xce
#define MSR_APIC_BASE_X2  (1UL << 10)

unsigned long pv_cr4_default(const struct vcpu *v)
{
	return X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |
	       (cpu_has_xsave ? X86_CR4_OSXSAVE : 0);
}

unsigned long pv_cr4_allowed(const struct vcpu *v)
{
	return X86_CR4_TSD | X86_CR4_DE | (cpu_has_fsgsbase ? X86_CR4_FSGSBASE : 0);
}

bool pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *ret)
{
	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		*ret = rdmsr(msr);
		return true;
	case MSR_KERNEL_GS_BASE:
		*ret = rdmsr(MSR_KERNEL_GS_BASE);
		return true;
	case MSR_EFER:
		*ret = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
		return true;
	case MSR_PAT:
		*ret = PAT_VALUE;
		return true;
	case MSR_TSC:
		*ret = rdtsc();
		return true;
	case MSR_APIC_BASE:
		*ret = rdmsr(MSR_APIC_BASE) & ~MSR_APIC_BASE_X2;
		return true;
	case MSR_MCG_CAP:
	case MSR_MCG_STATUS:
		/* Machine checks are ours: the guest has no banks of its own. */
		*ret = 0;
		return true;
	case MSR_UCODE_REV:
	case MSR_MISC_ENABLE:
		/* A CPU may lack them; then there is nothing to hide either. */
		if (!rdmsr_safe(msr, ret))
			*ret = 0;
		return true;
	case MSR_PLATFORM_INFO:
	case MSR_MISC_FEATURES:
	case MSR_MTRR_CAP:
	default:
		return false;
	}
}

bool pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t val)
{
	uint64_t now;

	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		if (!is_canonical(val))
			return false;
		wrmsr(msr, val);
		return true;
	default:
		/* Writing back what is there changes nothing. */
		return pv_read_msr(v, msr, &now) && now == val;
	case MSR_UCODE_REV:
	case MSR_MISC_ENABLE:
	case MSR_APIC_BASE:
	case MSR_MCG_STATUS:
		return true; /* ours, whatever the guest wants */
	}
}
