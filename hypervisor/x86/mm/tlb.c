/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * TLB flushes, here and on other CPUs.
 *
 * The flush clock counts flushes of the whole machine. A flush draws its number
 * before it starts and notes it as the CPU's last one when it is done: whoever
 * noted the clock after taking a mapping away, and finds a CPU's number above
 * it, knows that this CPU has nothing left of that mapping. Frames keep only the
 * low half of the clock; the other half is chosen so that a frame looks freed as
 * late as possible, which can only cause a flush too many.
 *
 * Remote flushes: one at a time, under flush_lock. A CPU that spins for any lock
 * with interrupts off answers them as well (arch_spin_poll), so waiting for the
 * answers under a lock can't deadlock.
 */
#include <hv/cpumask.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/spinlock.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/page.h>

#define FLUSH_WHOLE (~0UL)

static uint64_t flush_clock;
static DEFINE_PER_CPU(uint64_t, last_flush);
/* For the audit. 0: that of start-up, which is idle_l4. */
static DEFINE_PER_CPU(unsigned long, root);

static struct spinlock flush_lock = SPINLOCK_INIT(RANK_NONE);
static struct cpumask flush_todo;
static unsigned long flush_va;

uint32_t tlb_clock(void)
{
	/* A full barrier: what was unmapped before is unmapped for all. */
	return (uint32_t)__atomic_fetch_add(&flush_clock, 0, __ATOMIC_SEQ_CST);
}

static void note_flush(uint64_t number)
{
	this_cpu(last_flush) = number;
}

static uint64_t next_number(void)
{
	return __atomic_add_fetch(&flush_clock, 1, __ATOMIC_SEQ_CST);
}

void tlb_filter(struct cpumask *m, uint32_t stamp)
{
	uint64_t now = __atomic_fetch_add(&flush_clock, 0, __ATOMIC_SEQ_CST);
	uint64_t full = now - (uint32_t)((uint32_t)now - stamp);
	unsigned int cpu;

	for_each_cpu (cpu, *m) {
		if (READ_ONCE(per_cpu(last_flush, cpu)) > full)
			m->bits &= ~(1UL << cpu);
	}
}

void write_cr3(unsigned long cr3)
{
	unsigned long flags = local_irq_save();
	uint64_t number = next_number();

	__asm__ volatile("mov %0, %%cr3" ::"r"(cr3) : "memory");
	this_cpu(root) = cr3;
	note_flush(number);
	local_irq_restore(flags);
}

unsigned long tlb_root_of(unsigned int cpu)
{
	return per_cpu(root, cpu) ? per_cpu(root, cpu) : virt_to_paddr(idle_l4);
}

void tlb_flush_local(void)
{
	write_cr3(read_cr3());
}

void tlb_flush_local_all(void)
{
	unsigned long flags = local_irq_save(), cr4 = read_cr4();
	uint64_t number = next_number();

	/* A change of this bit flushes everything, whichever way it goes. */
	write_cr4(cr4 ^ X86_CR4_PGE);
	write_cr4(cr4);
	note_flush(number);
	local_irq_restore(flags);
}

void tlb_flush_local_one(unsigned long va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static void flush_here(unsigned long va)
{
	if (va == FLUSH_WHOLE)
		tlb_flush_local();
	else
		tlb_flush_local_one(va);
}

/* The interrupt, or a poll. Interrupts are off. */
void tlb_flush_interrupt(void)
{
	unsigned int cpu = smp_processor_id();

	if (!cpumask_test(cpu, &flush_todo))
		return;
	flush_here(flush_va);
	cpumask_clear(cpu, &flush_todo);
}

void arch_spin_poll(void)
{
	unsigned long flags;

	if (likely(cpumask_empty(flush_todo)))
		return;
	flags = local_irq_save();
	tlb_flush_interrupt();
	local_irq_restore(flags);
}

static void flush_mask(struct cpumask m, unsigned long va)
{
	unsigned int cpu = smp_processor_id();

	m = cpumask_and(m, cpu_online_map);
	if (cpumask_test(cpu, &m)) {
		unsigned long flags = local_irq_save();

		flush_here(va);
		local_irq_restore(flags);
		m.bits &= ~(1UL << cpu);
	}
	if (cpumask_empty(m))
		return;
	spin_lock(&flush_lock);
	flush_va = va;
	__atomic_store_n(&flush_todo.bits, m.bits, __ATOMIC_SEQ_CST);
	apic_send_ipi_mask(m, VECTOR_FLUSH_TLB);
	while (__atomic_load_n(&flush_todo.bits, __ATOMIC_ACQUIRE))
		cpu_relax();
	spin_unlock(&flush_lock);
}

void tlb_flush_mask(const struct cpumask *m)
{
	flush_mask(*m, FLUSH_WHOLE);
}

void tlb_flush_mask_one(const struct cpumask *m, unsigned long va)
{
	flush_mask(*m, va);
}
