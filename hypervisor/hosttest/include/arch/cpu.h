/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The CPU of the host tests: interrupts are a flag, barriers are the compiler's. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <arch/cpu_bits.h>
#include <hv/compiler.h>
#include <hv/types.h>
#include <hosttest/machine.h>

static inline void local_irq_disable(void)
{
	ht_irq_on[ht_cpu] = false;
}

static inline void local_irq_enable(void)
{
	ht_irq_on[ht_cpu] = true;
}

static inline bool local_irq_is_enabled(void)
{
	return ht_irq_on[ht_cpu];
}

static inline unsigned long local_irq_save(void)
{
	unsigned long was = ht_irq_on[ht_cpu];

	if (ht_irq_save_hook)
		ht_irq_save_hook();
	local_irq_disable();
	return was;
}

static inline void local_irq_restore(unsigned long was)
{
	ht_irq_on[ht_cpu] = was;
}

static inline unsigned long local_flags(void)
{
	return 0;
}

static inline void cpu_relax(void)
{
	if (ht_relax)
		ht_relax();
}

static inline void cpu_flush_caches(void)
{
}

/* With one thread, a CPU that waits for a lock waits for ever: that is a failure. */
void arch_spin_poll(void);

static inline uint64_t rdtsc(void)
{
	return ++ht_tsc;
}

/* I/O ports: the test's own, or those of cpu.c. */
uint8_t inb(uint16_t port);
uint16_t inw(uint16_t port);
uint32_t inl(uint16_t port);
void outb(uint16_t port, uint8_t v);
void outw(uint16_t port, uint16_t v);
void outl(uint16_t port, uint32_t v);

/* Registers, those of cpu.c. */
struct cpuid_regs {
	uint32_t a, b, c, d;
};

struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t subleaf);
uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t v);
bool rdmsr_safe(uint32_t msr, uint64_t *ret_val);
unsigned long read_cr0(void);
void write_cr0(unsigned long v);
void write_cr4(unsigned long v);
void clear_cr0_ts(void);
void write_xcr0(uint64_t v);
void ht_write_dr(unsigned int n, uint64_t v);
#define write_dr(n, v) ht_write_dr(n, v)

#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#endif
