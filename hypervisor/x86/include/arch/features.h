/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What this machine's CPUs can do, and how they are set up for it. */
#ifndef ARCH_FEATURES_H
#define ARCH_FEATURES_H

#include <hv/compiler.h>
#include <hv/types.h>
#include <arch/cpu.h>

extern bool cpu_has_xsave, cpu_has_fsgsbase, cpu_has_smep, cpu_has_smap, cpu_has_umip;
extern uint64_t xcr0_host; /* state components that guests may enable */
extern unsigned int xsave_size; /* of an area that holds all of them */
extern unsigned int cpu_paddr_bits;

/*
 * SMAP: what ring 3 may reach, we reach between these two only. Between them nothing is
 * called; what interrupts closes for itself (entry.S).
 */
static inline void smap_open(void)
{
	if (cpu_has_smap)
		__asm__ volatile("stac" ::: "memory");
}

static inline void smap_close(void)
{
	if (cpu_has_smap)
		__asm__ volatile("clac" ::: "memory");
}

static inline bool smap_is_open(void)
{
	return cpu_has_smap && (local_flags() & X86_EFLAGS_AC);
}

/* CR4 while the hypervisor or a guest runs (guests may add to it: pv/). */
extern unsigned long cr4_base;

/* Once, on the boot CPU; then on each CPU. */
void features_detect(void);
void features_init_cpu(void);
/* Once, with the descriptor tables loaded: logs what is on, and whether SMAP holds. */
void features_report(void);

__noreturn void reset_stack_and_jump(void (*fn)(void));
__noreturn void jump_on_stack(void (*fn)(void), void *top);
int percpu_alloc(unsigned int cpu);
void smp_boot_cpus(void);
void call_function_interrupt(void);

#endif
