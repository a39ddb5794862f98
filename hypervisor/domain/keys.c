/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Debug keys that show domains and what they run on. They run as a softirq (see
 * console/keyhandler.c) and look without stopping anything: the picture may be a
 * little blurred.
 */
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/lib.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/traps.h>

/* Each domain with a reference held, so that none goes away while it is shown. */
static void each_domain(void (*fn)(struct domain *d))
{
	struct domain *d;
	domid_t next = 0;

	while ((d = domain_get_from_id(next)) != NULL) {
		fn(d);
		next = (domid_t)(d->id + 1);
		domain_put(d);
	}
}

/* ---- domains ----------------------------------------------------------------------- */

static const char *domain_state(const struct domain *d)
{
	if (d->dying != DOMDYING_alive)
		return d->dying == DOMDYING_dead ? "dead" : "dying";
	if (d->is_shut_down)
		return "shut down";
	if (d->tool_paused)
		return d->started ? "paused" : "being built";
	return "runs";
}

static void show_vcpu(const struct vcpu *v)
{
	pr_info("  vCPU %u: CPU %u, %s, flags %#lx, pauses %d, event pending %u, masked %u, "
		"affinity %#lx / %#lx\n",
		v->id, v->cpu, v->running ? "running" : "not running", v->pause_flags,
		v->pause_count, v->vcpu_info->evtchn_upcall_pending,
		v->vcpu_info->evtchn_upcall_mask, v->hard_affinity.bits, v->soft_affinity.bits);
}

static void show_domain(struct domain *d)
{
	const struct vcpu *v;

	pr_info("Domain %u: %s, pauses %d, refs %u, %u vCPUs at most\n", d->id, domain_state(d),
		d->pause_count, d->refcount, d->max_vcpus);
	if (d->is_shut_down)
		pr_info("  shutdown code %u\n", d->shutdown_code);
	for_each_vcpu (d, v)
		show_vcpu(v);
}

static void show_domains(char key)
{
	each_domain(show_domain);
}

static void show_events(char key)
{
	each_domain(evtchn_dump);
}

static void show_grants(char key)
{
	each_domain(grant_table_dump);
}

/* ---- memory ---------------------------------------------------------------------------- */

static void show_domain_memory(struct domain *d)
{
	pr_info("  d%u: %lu frames of at most %lu, %lu lent by us, %lu more promised\n", d->id,
		d->tot_pages, d->max_pages, d->hyp_pages, d->claimed_pages);
}

static void show_memory(char key)
{
	pr_info("%lu frames of RAM up to %#lx, %lu free\n", total_pages, max_page,
		page_free_count());
	page_alloc_dump();
	each_domain(show_domain_memory);
}

/* ---- CPUs ---------------------------------------------------------------------------------- */

static void show_run_queues(char key)
{
	unsigned int cpu;

	pr_info("Scheduler: %s; time %lu ns\n", sched_policy->full_name, (unsigned long)time_now());
	for_each_online_cpu (cpu)
		sched_policy->dump_cpu(cpu);
}

/* On each CPU in turn. */
static void show_this_cpu(void *data)
{
	const struct vcpu *v = current;

	if (is_idle_vcpu(v)) {
		pr_info("CPU %u: idle\n", smp_processor_id());
		return;
	}
	pr_info("CPU %u: d%uv%u, guest %s\n", smp_processor_id(), v->domain->id, v->id,
		v->arch.in_kernel ? "kernel" : "user mode");
	arch_dump_regs(guest_regs());
}

static void show_registers(char key)
{
	unsigned int cpu;

	for_each_online_cpu (cpu)
		on_cpus(cpumask_of(cpu), show_this_cpu, NULL);
}

static void read_tsc(void *data)
{
	*(uint64_t *)data = rdtsc();
}

static void show_time(char key)
{
	uint64_t base = time_wallclock_base(), tsc, there;
	unsigned int cpu;

	pr_info("System time %lu ns, UTC at its start %lu.%09lu s\n", (unsigned long)time_now(),
		base / 1000000000, base % 1000000000);
	pr_info("TSC at %lu kHz; the CPUs' %s\n", time_tsc_khz,
		time_tsc_stable ? "run together" : "don't run together");
	for_each_online_cpu (cpu) {
		tsc = rdtsc();
		on_cpus(cpumask_of(cpu), read_tsc, &there);
		pr_info("  CPU %u: TSC %#lx, read %lu ticks after ours\n", cpu, there, there - tsc);
	}
}

void __init domain_init_keys(void)
{
	keyhandler_register('q', show_domains, "domains and their vCPUs");
	keyhandler_register('e', show_events, "event channels");
	keyhandler_register('g', show_grants, "grant tables");
	keyhandler_register('m', show_memory, "memory: free blocks, domains' frames");
	keyhandler_register('r', show_run_queues, "run queues");
	keyhandler_register('d', show_registers, "registers of all CPUs");
	keyhandler_register('t', show_time, "clocks");
}
