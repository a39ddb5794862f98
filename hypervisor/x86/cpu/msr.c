/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Access to model-specific registers that may not exist. */
#include <arch/cpu.h>
#include <arch/traps.h>

bool rdmsr_safe(uint32_t msr, uint64_t *ret_val)
{
	uint32_t lo = 0, hi = 0;
	bool ok = false;

	__asm__ volatile("1: rdmsr; movb $1, %2\n2:\n" EXTABLE(1b, 2b)
			 : "+a"(lo), "+d"(hi), "+q"(ok)
			 : "c"(msr));
	*ret_val = ((uint64_t)hi << 32) | lo;
	return ok;
}

bool wrmsr_safe(uint32_t msr, uint64_t val)
{
	bool ok = false;

	__asm__ volatile("1: wrmsr; movb $1, %0\n2:\n" EXTABLE(1b, 2b)
			 : "+q"(ok)
			 : "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32))
			 : "memory");
	return ok;
}
