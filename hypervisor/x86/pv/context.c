/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Switching a CPU from one vCPU to another.
 *
 * A vCPU is *loaded* on a CPU: its registers are in guest_regs() and in the
 * hardware. Going idle leaves it loaded, so that a guest that only waited for an
 * event goes on at no cost; it is unloaded when the CPU takes another guest, or
 * when somebody else wants it (arch_vcpu_sync: to run it elsewhere, or to look at
 * it). dirty_cpus of its domain has the CPUs where one of its vCPUs is loaded:
 * nowhere else can there be TLB entries of it (F4). So a CPU is in it before it loads a
 * root of the domain, and is taken out after it has loaded another one; and until then
 * the vCPU is loaded there, for those who would take its tables apart, too.
 */
#include <hv/audit.h>
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pv.h>
#include <arch/runstate.h>
#include <arch/spec_ctrl.h>
#include <arch/traps.h>

void return_to_guest(void);

static DEFINE_PER_CPU(struct vcpu *, loaded);
/* Whose branches the predictors of this CPU know. */
static DEFINE_PER_CPU(const struct domain *, last_domain);

/* Interrupts off, on the CPU that has it. */
static void save(struct vcpu *v)
{
	v->arch.regs = *guest_regs();
	pv_save_segments(v);
	xstate_save(v);
}

/*
 * (F4) Another root than that of @v, which is saved, is in CR3: its TLB entries are gone.
 * @now: the domain that the new root belongs to.
 */
static void leave(struct vcpu *v, const struct domain *now)
{
	if (v->domain != now)
		cpumask_clear(smp_processor_id(), &v->domain->dirty_cpus);
	__atomic_store_n(&v->arch.loaded_cpu, NO_CPU, __ATOMIC_RELEASE);
}

static void unload_to_idle(void *data)
{
	struct vcpu *v = data;

	if (this_cpu(loaded) != v)
		return;
	ASSERT(current != v);
	save(v);
	this_cpu(loaded) = NULL;
	write_cr3(virt_to_paddr(idle_l4));
	desc_set_ldt(smp_processor_id(), 0);
	leave(v, NULL);
}

void arch_vcpu_sync(struct vcpu *v)
{
	unsigned int cpu = READ_ONCE(v->arch.loaded_cpu);

	if (cpu != NO_CPU)
		on_cpus(cpumask_of(cpu), unload_to_idle, v);
	ASSERT(READ_ONCE(v->arch.loaded_cpu) == NO_CPU);
}

static void forget_branches(const struct vcpu *v)
{
	if (!spec_ibpb_on_switch || this_cpu(last_domain) == v->domain)
		return;
	wrmsr(MSR_PRED_CMD_NR, 1);
	WRITE_ONCE(this_cpu(last_domain), v->domain);
}

void pv_forget_domain(const struct domain *d)
{
	unsigned int cpu;

	/* A CPU that takes another domain just now writes that. */
	for_each_cpu (cpu, cpu_online_map) {
		const struct domain *known = d;

		__atomic_compare_exchange_n(&per_cpu(last_domain, cpu), &known, NULL, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
}

static bool load(struct vcpu *v)
{
	unsigned int cpu = smp_processor_id();

	ASSERT(v->arch.loaded_cpu == NO_CPU);
	*guest_regs() = v->arch.regs;
	v->arch.loaded_cpu = cpu;
	this_cpu(loaded) = v;
	/* Before the first TLB entry can come to be. */
	cpumask_set(cpu, &v->domain->dirty_cpus);
	forget_branches(v);
	pv_load_descriptor_tables(v, cpu);
	write_cr4(cr4_base | (v->arch.cr4 & pv_cr4_allowed(v)));
	pv_load_root(v);
	xstate_load(v);
	pv_load_debugregs(v);
	if (v->arch.cr0_ts)
		pv_set_ts(v, true);
	return pv_load_segments(v);
}

static void finish_load(struct vcpu *v, bool segments_failed)
{
	uint16_t sel[4] = {v->arch.regs.ds, v->arch.regs.es, v->arch.regs.fs, v->arch.regs.gs};

	time_update_vcpu(v);
	arch_runstate_enter(v);
	if (segments_failed) {
		local_irq_enable();
		pv_failsafe(v, sel);
	}
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	struct vcpu *old = this_cpu(loaded);
	bool failed = false;

	ASSERT(!local_irq_is_enabled());
	arch_set_current(next);
	if (is_idle_vcpu(next)) {
		sched_switched(prev);
		reset_stack_and_jump(idle_loop);
	}
	if (old != next) {
		if (old)
			save(old);
		failed = load(next);
		if (old)
			leave(old, next->domain);
	}
	sched_switched(prev);
	finish_load(next, failed);
	reset_stack_and_jump(return_to_guest);
}

/* ---- audit ----------------------------------------------------------------------------- */

static unsigned long root_of(const struct vcpu *v)
{
	return virt_to_paddr(page_to_virt(v->arch.in_kernel ? v->arch.root : v->arch.user_root));
}

void pv_audit_loaded(void)
{
	const struct domain *d;
	unsigned int cpu;

	for_each_cpu (cpu, cpu_online_map) {
		const struct vcpu *v = per_cpu(loaded, cpu);
		unsigned long want = v ? root_of(v) : virt_to_paddr(idle_l4);

		if (tlb_root_of(cpu) != want)
			audit_differs("CPU %u is on the root %#lx, not %#lx", cpu, tlb_root_of(cpu),
				      want);
		if (v && v->arch.loaded_cpu != cpu)
			audit_differs("d%uv%u is loaded on CPU %u and says %d", v->domain->id,
				      v->id, cpu, (int)v->arch.loaded_cpu);
		for_each_domain (d) {
			if (cpumask_test(cpu, &d->dirty_cpus) != (v && v->domain == d))
				audit_differs("CPU %u has%s d%u, whose dirty_cpus are %#lx", cpu,
					      v && v->domain == d ? "" : " nothing of", d->id,
					      d->dirty_cpus.bits);
		}
	}
}
