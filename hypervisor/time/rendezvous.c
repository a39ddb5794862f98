/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * See hv/rendezvous.h. A CPU that waits here may be what a CPU still on its way
 * waits for (a vCPU to be descheduled, say), so as long as not all are there,
 * one that has other softirqs to run leaves, and comes back after them.
 *
 * Lock: the file's own, a leaf, for the state and who is there.
 */
#include <hv/cpumask.h>
#include <hv/lib.h>
#include <hv/rendezvous.h>
#include <hv/softirq.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>
#include <arch/percpu.h>

static struct spinlock lock = SPINLOCK_INIT(RANK_NONE);
static enum { IDLE, GATHERING, ALL_THERE } state;
static struct cpumask there;

/* True: this CPU stays. */
static bool arrive(unsigned int cpu)
{
	bool stay;

	spin_lock(&lock);
	stay = state != IDLE;
	if (stay)
		cpumask_set(cpu, &there);
	spin_unlock(&lock);
	return stay;
}

/* True: this CPU may go; only before all are there, or after it is over. */
static bool leave(unsigned int cpu)
{
	bool go;

	spin_lock(&lock);
	go = state != ALL_THERE;
	if (go)
		cpumask_clear(cpu, &there);
	spin_unlock(&lock);
	return go;
}

static void wait_here(void)
{
	unsigned int cpu = smp_processor_id();

	if (!arrive(cpu))
		return;
	while (READ_ONCE(state) != IDLE) {
		cpu_relax();
		if (softirq_pending(cpu) && leave(cpu)) {
			softirq_raise(SOFTIRQ_RENDEZVOUS);
			return;
		}
	}
	leave(cpu);
}

/* From GATHERING to ALL_THERE, if they are. */
static bool complete(struct cpumask others)
{
	bool ok;

	spin_lock(&lock);
	ok = there.bits == others.bits;
	if (ok)
		state = ALL_THERE;
	spin_unlock(&lock);
	return ok;
}

static bool begin(void)
{
	bool ok;

	spin_lock(&lock);
	/* Those of the last time have left? */
	ok = state == IDLE && cpumask_empty(there);
	if (ok)
		state = GATHERING;
	spin_unlock(&lock);
	return ok;
}

static void end(void)
{
	spin_lock(&lock);
	state = IDLE;
	spin_unlock(&lock);
}

bool rendezvous(void (*fn)(void))
{
	unsigned int self = smp_processor_id(), cpu;
	struct cpumask others = cpu_online_map;
	bool ok;

	if (!begin())
		return false;
	others.bits &= ~(1UL << self);
	for_each_cpu (cpu, others)
		softirq_raise_cpu(cpu, SOFTIRQ_RENDEZVOUS);
	while (!(ok = complete(others)) && !softirq_pending(self))
		cpu_relax();
	if (ok)
		fn();
	end();
	return ok;
}

void __init rendezvous_init(void)
{
	softirq_set_handler(SOFTIRQ_RENDEZVOUS, wait_here);
}
