/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Per-CPU variables of the host tests: a section of their own, of which each CPU
 * has a copy (CPU 0 has the original).
 */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include <hosttest/machine.h>

/* What x86/pv/entry.c and x86/mm/xpti.c use of it. */
struct cpu_info {
	unsigned int cpu;
	uint64_t xpti_cr3, xpti_exit_cr3, xpti_own_cr3;
	struct {
		unsigned int vector;
		uint32_t error;
	} iret_fault;
};
extern struct cpu_info ht_cpu_info[HT_CPUS];

#define cpu_info()          (&ht_cpu_info[ht_cpu])
#define smp_processor_id()  (ht_cpu)
#define arch_current()      (ht_current[ht_cpu])
#define arch_set_current(v) (ht_current[ht_cpu] = (v))
#define guest_regs()        (&ht_guest_regs)

#define PERCPU_SECTION          __attribute__((section("ht_percpu")))
#define arch_percpu_ptr(p, cpu) ((__typeof__(p))ht_percpu_addr(p, cpu))
#define arch_this_cpu_ptr(p)    ((__typeof__(p))ht_percpu_addr(p, ht_cpu))

#endif
