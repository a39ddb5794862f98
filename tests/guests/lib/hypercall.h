/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Hypercalls by plain SYSCALL. */
#ifndef TESTS_GUESTS_LIB_HYPERCALL_H
#define TESTS_GUESTS_LIB_HYPERCALL_H

static inline long hypercall5(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
			      unsigned long d, unsigned long e)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

#define hypercall(nr, ...) HYPERCALL_ARGS(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0)
#define HYPERCALL_ARGS(nr, a, b, c, d, e, ...)                                                    \
	hypercall5(__HYPERVISOR_##nr, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), \
		   (unsigned long)(d), (unsigned long)(e))

#endif
