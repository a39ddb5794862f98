/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Memory type range registers: only read. Guests choose memory types by PAT.
 * Source: Intel SDM vol. 3, "Memory Type Range Registers".
 */
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/mtrr.h>

#define CPUID_1_EDX_MTRR     (1U << 12)
#define MSR_MTRR_CAP         0xfe
#define MSR_MTRR_PHYSBASE(n) (0x200 + 2 * (n))
#define MSR_MTRR_PHYSMASK(n) (0x201 + 2 * (n))
#define MTRR_CAP_COUNT       0xff
#define MTRR_TYPE            0xff
#define MTRR_VALID           (1UL << 11)

static unsigned int phys_bits(void)
{
	if (cpuid_count(0x80000000, 0).a < 0x80000008)
		return 36;
	return cpuid_count(0x80000008, 0).a & 0xff;
}

int mtrr_read(unsigned int n, mfn_t *ret_mfn, unsigned long *ret_nr, unsigned int *ret_type)
{
	uint64_t cap, base, mask;

	if (!(cpuid_count(1, 0).d & CPUID_1_EDX_MTRR) || !rdmsr_safe(MSR_MTRR_CAP, &cap))
		return -EOPNOTSUPP;
	if (n >= (cap & MTRR_CAP_COUNT) || !rdmsr_safe(MSR_MTRR_PHYSBASE(n), &base) ||
	    !rdmsr_safe(MSR_MTRR_PHYSMASK(n), &mask))
		return -EINVAL;
	*ret_mfn = _mfn(0);
	*ret_nr = 0;
	*ret_type = 0;
	if (!(mask & MTRR_VALID))
		return 0;
	mask = (mask & PAGE_MASK) | ~((1UL << phys_bits()) - 1);
	*ret_mfn = _mfn(PFN_DOWN(base));
	/* The lowest bit that has to match is the size (ranges are powers of two). */
	*ret_nr = PFN_DOWN(mask & -mask);
	*ret_type = base & MTRR_TYPE;
	return 0;
}
