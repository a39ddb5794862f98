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
 * nowhere else can there be TLB entries of it.
 */
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

static uint64_t read_fs_base(void)
{
	return rdmsr(MSR_FS_BASE);
}

/* Guests set bases by instruction, unchecked by some CPUs; MSR writes are checked. */
static uint64_t canonical_or_zero(uint64_t base)
{
	return is_canonical(base) ? base : 0;
}

static void save_segments(struct vcpu *v)
{
	struct cpu_user_regs *r = &v->arch.regs;
	uint64_t gs = rdmsr(MSR_GS_BASE), other = rdmsr(MSR_KERNEL_GS_BASE);

	__asm__ volatile("mov %%ds, %0" : "=m"(r->ds));
	__asm__ volatile("mov %%es, %0" : "=m"(r->es));
	__asm__ volatile("mov %%fs, %0" : "=m"(r->fs));
	__asm__ volatile("mov %%gs, %0" : "=m"(r->gs));
	v->arch.fs_base = canonical_or_zero(read_fs_base());
	v->arch.gs_base_kernel = canonical_or_zero(v->arch.in_kernel ? gs : other);
	v->arch.gs_base_user = canonical_or_zero(v->arch.in_kernel ? other : gs);
}

#define LOAD_SEG(seg, sel, failed)                                                       \
	__asm__ volatile("1: mov %w1, %%" #seg "\n"                                      \
			 "2:\n\t"                                                        \
			 ".pushsection .text.fixup, \"ax\"\n"                            \
			 "3: xor %k0, %k0; mov %w0, %%" #seg "; mov $1, %k0; jmp 2b\n\t" \
			 ".popsection\n\t" EXTABLE(1b, 3b)                               \
			 : "+r"(failed)                                                  \
			 : "r"((unsigned int)(sel)))

/* True: one of them could not be loaded and is null now. */
static bool load_segments(struct vcpu *v)
{
	const struct cpu_user_regs *r = &v->arch.regs;
	unsigned int failed = 0;

	LOAD_SEG(ds, r->ds, failed);
	LOAD_SEG(es, r->es, failed);
	LOAD_SEG(fs, r->fs, failed);
	LOAD_SEG(gs, r->gs, failed);
	wrmsr(MSR_FS_BASE, v->arch.fs_base);
	wrmsr(MSR_GS_BASE, v->arch.in_kernel ? v->arch.gs_base_kernel : v->arch.gs_base_user);
	wrmsr(MSR_KERNEL_GS_BASE,
	      v->arch.in_kernel ? v->arch.gs_base_user : v->arch.gs_base_kernel);
	return failed;
}

/* Interrupts off, on the CPU that has it. */
static void unload(struct vcpu *v)
{
	unsigned int cpu = smp_processor_id();

	v->arch.regs = *guest_regs();
	save_segments(v);
	xstate_save(v);
	cpumask_clear(cpu, &v->domain->dirty_cpus);
	this_cpu(loaded) = NULL;
	__atomic_store_n(&v->arch.loaded_cpu, NO_CPU, __ATOMIC_RELEASE);
}

static void unload_to_idle(void *data)
{
	struct vcpu *v = data;

	if (this_cpu(loaded) != v)
		return;
	ASSERT(current != v);
	unload(v);
	write_cr3(virt_to_paddr(idle_l4));
	desc_set_ldt(smp_processor_id(), 0);
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
	this_cpu(last_domain) = v->domain;
}

static bool load(struct vcpu *v)
{
	unsigned int cpu = smp_processor_id();

	ASSERT(v->arch.loaded_cpu == NO_CPU);
	*guest_regs() = v->arch.regs;
	v->arch.loaded_cpu = cpu;
	this_cpu(loaded) = v;
	/* (F4) Before the first TLB entry can come to be. */
	cpumask_set(cpu, &v->domain->dirty_cpus);
	forget_branches(v);
	pv_load_descriptor_tables(v, cpu);
	write_cr4(cr4_base | (v->arch.cr4 & pv_cr4_allowed(v)));
	pv_load_root(v);
	xstate_load(v);
	pv_load_debugregs(v);
	if (v->arch.cr0_ts)
		pv_set_ts(v, true);
	return load_segments(v);
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
	cpu_info()->vcpu = next;
	if (is_idle_vcpu(next)) {
		sched_switched(prev);
		reset_stack_and_jump(idle_loop);
	}
	if (old != next) {
		if (old)
			unload(old);
		failed = load(next);
	}
	sched_switched(prev);
	finish_load(next, failed);
	reset_stack_and_jump(return_to_guest);
}
