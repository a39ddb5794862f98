/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Per-CPU variables of the host tests: a section of their own, of which each CPU
 * has a copy (CPU 0 has the original).
 */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include <hosttest/machine.h>

#define smp_processor_id() (ht_cpu)
#define arch_current()     (ht_current[ht_cpu])
#define guest_regs()       (&ht_guest_regs)

/* What x86/pv/entry.c uses of it; the test's own. */
struct cpu_info {
	struct {
		unsigned int vector;
		uint32_t error;
	} iret_fault;
};
extern struct cpu_info ht_cpu_info;
#define cpu_info() (&ht_cpu_info)

#define PERCPU_SECTION          __attribute__((section("ht_percpu")))
#define arch_percpu_ptr(p, cpu) ((__typeof__(p))ht_percpu_addr(p, cpu))
#define arch_this_cpu_ptr(p)    ((__typeof__(p))ht_percpu_addr(p, ht_cpu))

#endif
