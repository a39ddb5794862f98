/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Instructions of the CPU that C has no words for. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <arch/cpu_bits.h>
#include <hv/compiler.h>
#include <hv/types.h>

struct cpuid_regs {
	uint32_t a, b, c, d;
};

static inline struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

#define READ_CR(n)                                                \
	static inline unsigned long read_cr##n(void)              \
	{                                                         \
		unsigned long v;                                  \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v)); \
		return v;                                         \
	}
READ_CR(0)
READ_CR(2)
READ_CR(3)
READ_CR(4)
#undef READ_CR

static inline void write_cr0(unsigned long v)
{
	__asm__ volatile("mov %0, %%cr0" ::"r"(v) : "memory");
}

static inline void clear_cr0_ts(void)
{
	__asm__ volatile("clts");
}

#define write_dr(n, v) __asm__ volatile("mov %0, %%db" #n ::"r"(v))

static inline void write_xcr0(uint64_t v)
{
	__asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline void write_cr4(unsigned long v)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(v) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return ((uint64_t)hi << 32) | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

/* For MSRs that may not exist: false on #GP (x86/cpu/msr.S via the fixup table). */
bool rdmsr_safe(uint32_t msr, uint64_t *ret_val);
bool wrmsr_safe(uint32_t msr, uint64_t val);

/* Only where CPUID says so. False: there was nothing in it. */
static inline bool rdrand(uint64_t *ret)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*ret), "=@ccc"(ok));
	return ok;
}

struct cpu_version {
	uint32_t family, model, stepping;
};

/* Of CPUID leaf 1's EAX, with the extended fields where they count. */
static inline struct cpu_version cpu_version_of(uint32_t eax)
{
	struct cpu_version v = {(eax >> 8) & 15, (eax >> 4) & 15, eax & 15};

	if (v.family == 6 || v.family == 15)
		v.model |= (eax >> 12) & 0xf0;
	if (v.family == 15)
		v.family += (eax >> 20) & 0xff;
	return v;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return ((uint64_t)hi << 32) | lo;
}

static inline void local_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void local_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline unsigned long local_flags(void)
{
	unsigned long f;

	__asm__ volatile("pushf; pop %0" : "=r"(f));
	return f;
}

static inline bool local_irq_is_enabled(void)
{
	return local_flags() & X86_EFLAGS_IF;
}

static inline unsigned long local_irq_save(void)
{
	unsigned long f = local_flags();

	local_irq_disable();
	return f;
}

static inline void local_irq_restore(unsigned long f)
{
	if (f & X86_EFLAGS_IF)
		local_irq_enable();
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline void cpu_flush_caches(void)
{
	__asm__ volatile("wbinvd" ::: "memory");
}

/* What a CPU that spins has to do in between: answer TLB flushes (mm/tlb.c). */
void arch_spin_poll(void);

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#endif
