/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See sim.h. The loop: CPUs settle, then time goes on to the next thing that happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/softirq.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/runstate.h>
#include <arch/timer.h>

#include "sim.h"

#define MAX_SIM_DOMAINS 64

s_time_t sim_now;
struct sim_vcpu sim_vcpus[SIM_VCPUS];
unsigned int sim_nr_vcpus, sim_cpus, sim_switches, sim_pokes, sim_ipis;
void (*sim_in_switch)(struct vcpu *prev, struct vcpu *next);

static struct domain *domains[MAX_SIM_DOMAINS];
static s_time_t hw_deadline[HT_CPUS], marked_at, marked[SIM_VCPUS];

/* ---- what the scheduler and the timers call ------------------------------------------- */

s_time_t time_now(void)
{
	return sim_now;
}

void arch_timer_program(s_time_t deadline)
{
	hw_deadline[ht_cpu] = deadline;
}

void apic_send_ipi(unsigned int cpu, unsigned int vector)
{
	BUG_ON(cpu >= sim_cpus);
	sim_ipis++;
}

void arch_cpu_poke(unsigned int cpu)
{
	sim_pokes++;
}

void arch_runstate_enter(struct vcpu *v)
{
}

void arch_vcpu_sync(struct vcpu *v)
{
	v->arch.loaded_cpu = NO_CPU;
}

bool arch_vcpu_event_deliverable(const struct vcpu *v)
{
	return v->vcpu_info->evtchn_upcall_pending && !v->vcpu_info->evtchn_upcall_mask;
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
	d->is_shutting_down = true;
	d->shutdown_code = reason;
}

long hypercall_no_subop(unsigned int op, unsigned int cmd)
{
	return -ENOSYS;
}

struct sim_vcpu *sim_of(const struct vcpu *v)
{
	for (unsigned int i = 0; i < sim_nr_vcpus; i++) {
		if (sim_vcpus[i].v == v)
			return &sim_vcpus[i];
	}
	return NULL;
}

static void begins_to_run(struct vcpu *v)
{
	struct sim_vcpu *s = sim_of(v);

	if (!s)
		return;
	BUG_ON(!cpumask_test(ht_cpu, &v->hard_affinity));
	if (s->last_cpu != ht_cpu)
		s->moves++;
	s->last_cpu = ht_cpu;
	if (!s->woken_at)
		return;
	s->worst_wait = max(s->worst_wait, sim_now - s->woken_at);
	s->waits += sim_now - s->woken_at;
	s->nr_waits++;
	s->woken_at = 0;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	BUG_ON(ht_current[ht_cpu] != prev || local_irq_is_enabled() || spin_held_count());
	for (unsigned int i = 0; i < sim_cpus; i++)
		BUG_ON(i != ht_cpu && ht_current[i] == next); /* on two CPUs at once */
	if (sim_in_switch)
		sim_in_switch(prev, next);
	ht_current[ht_cpu] = next;
	next->arch.loaded_cpu = ht_cpu;
	sim_switches++;
	sched_switched(prev);
	begins_to_run(next);
	local_irq_enable();
}

int vcpu_create(struct domain *d, unsigned int id, unsigned int cpu)
{
	struct vcpu *v = d->vcpu[id] ? d->vcpu[id] : hv_zalloc(sizeof(*v));

	v->domain = d;
	v->id = id;
	v->arch.loaded_cpu = NO_CPU;
	d->vcpu[id] = v;
	return sched_init_vcpu(v, cpu);
}

static void poll_timeout(void *data)
{
	vcpu_poll_wake(data);
}

/* ---- start and end ---------------------------------------------------------------------- */

/* This CPU waits for another one: they do what they have to do. */
static void others_go_on(void)
{
	unsigned int was = ht_cpu;

	for (ht_cpu = 0; ht_cpu < sim_cpus; ht_cpu++) {
		if (ht_cpu != was)
			softirq_run();
	}
	ht_cpu = was;
}

static void init_once(void)
{
	if (idle_domain)
		return;
	ht_relax = others_go_on;
	ht_machine_init();
	idle_domain = hv_zalloc(sizeof(*idle_domain));
	idle_domain->id = DOMID_IDLE_HV;
	idle_domain->max_vcpus = HT_CPUS;
	idle_domain->vcpu = hv_zalloc_array(HT_CPUS, sizeof(*idle_domain->vcpu));
	timers_init();
	for (unsigned int i = 0; i < HT_CPUS; i++)
		timer_init_cpu(i);
}

void sim_start(unsigned int cpus)
{
	init_once();
	if (sim_nr_vcpus)
		sim_stop(); /* of a test that has failed */
	BUG_ON(cpus > HT_CPUS);
	sim_cpus = cpus;
	sim_now = SECONDS(1);
	sim_nr_vcpus = sim_switches = sim_pokes = sim_ipis = 0;
	sim_in_switch = NULL;
	cpu_online_map.bits = BIT(cpus) - 1;
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		ht_cpu = i;
		hw_deadline[i] = STIME_MAX;
		ht_irq_on[i] = true;
		if (i)
			sched_init_cpu(i);
		else
			sched_init();
		ht_current[i] = sched_idle_vcpu(i);
	}
	ht_cpu = 0;
	sim_settle();
}

static void free_domain(struct domain *d)
{
	struct vcpu *v;

	sched_fini_domain(d);
	for_each_vcpu (d, v) {
		BUG_ON(v->running || v->queued);
		timer_kill(&v->poll_timer);
		sched_fini_vcpu(v);
	}
	ht_domain_dying(d);
	while (evtchn_destroy(d))
		;
	ht_domain_free(d);
}

void sim_stop(void)
{
	ht_cpu = 0;
	for (unsigned int i = 0; i < MAX_SIM_DOMAINS; i++) {
		if (domains[i])
			domain_pause_nosync(domains[i]);
	}
	sim_settle();
	for (unsigned int i = 0; i < MAX_SIM_DOMAINS; i++) {
		if (domains[i])
			free_domain(domains[i]);
		domains[i] = NULL;
	}
	for (unsigned int i = 0; i < sim_cpus; i++) {
		ht_cpu = i;
		BUG_ON(!is_idle_vcpu(ht_current[i]) || timer_next_deadline() != STIME_MAX);
	}
	ht_cpu = 0;
	ht_assert_quiet();
	sim_nr_vcpus = 0;
}

struct domain *sim_domain(unsigned int id, unsigned int vcpus, unsigned int weight)
{
	struct domain *d = ht_domain_new(id, vcpus, 127);
	struct vcpu *v;

	BUG_ON(domains[id] || sched_init_domain(d));
	domains[id] = d;
	if (weight)
		sim_weight(d, weight, 0);
	for_each_vcpu (d, v) {
		struct sim_vcpu *s = &sim_vcpus[sim_nr_vcpus++];

		BUG_ON(sim_nr_vcpus > SIM_VCPUS || vcpu_create(d, v->id, v->id % sim_cpus));
		timer_init(&v->poll_timer, poll_timeout, v, 0);
		*s = (struct sim_vcpu){.v = v, .wake_at = STIME_MAX, .last_cpu = NO_CPU};
	}
	for_each_vcpu (d, v)
		vcpu_wake(v);
	return d;
}

void sim_sleeper(struct sim_vcpu *s, s_time_t run, s_time_t sleep)
{
	s->run = s->left = run;
	s->sleep = sleep;
}

void sim_weight(struct domain *d, unsigned int weight, unsigned int cap)
{
	struct xen_domctl_scheduler_op op = {.cmd = XEN_DOMCTL_SCHEDOP_putinfo};

	op.u.credit.weight = (uint16_t)weight;
	op.u.credit.cap = (uint16_t)cap;
	if (sched_policy->domain_params(d, &op))
		BUG();
}

void sim_pin(struct vcpu *v, unsigned long hard, unsigned long soft)
{
	if (sched_set_affinity(v, (struct cpumask){hard}, (struct cpumask){soft}))
		BUG();
}

/* ---- time ----------------------------------------------------------------------------------- */

void sim_settle(void)
{
	unsigned int was = ht_cpu, rounds = 0;
	bool again;

	do {
		again = false;
		for (ht_cpu = 0; ht_cpu < sim_cpus; ht_cpu++) {
			again = again || softirq_pending(ht_cpu);
			softirq_run();
			BUG_ON(spin_held_count());
		}
		BUG_ON(++rounds > 1000);
	} while (again);
	ht_cpu = was;
}

static s_time_t next_event(s_time_t end)
{
	for (unsigned int cpu = 0; cpu < sim_cpus; cpu++) {
		const struct sim_vcpu *s = sim_of(ht_current[cpu]);

		end = min(end, max(hw_deadline[cpu], sim_now));
		if (s && s->run)
			end = min(end, sim_now + s->left);
	}
	for (unsigned int i = 0; i < sim_nr_vcpus; i++)
		end = min(end, sim_vcpus[i].wake_at);
	return end;
}

static void goes_to_sleep(struct sim_vcpu *s)
{
	struct sched_poll poll = {.timeout = (uint64_t)(sim_now + s->sleep)};

	s->left = s->run;
	if (s->on_run_end) {
		s->on_run_end(s);
		return;
	}
	if (s->polls) {
		BUG_ON(do_sched_op(SCHEDOP_poll, ht_va(&poll)));
		return;
	}
	s->wake_at = sim_now + s->sleep;
	BUG_ON(do_sched_op(SCHEDOP_block, 0));
}

static void time_goes_on(s_time_t to)
{
	s_time_t delta = to - sim_now;

	sim_now = to;
	for (ht_cpu = 0; ht_cpu < sim_cpus; ht_cpu++) {
		struct sim_vcpu *s = sim_of(ht_current[ht_cpu]);

		if (s) {
			s->ran += delta;
			s->left -= s->run ? delta : 0;
			if (s->run && !s->left)
				goes_to_sleep(s);
		}
		if (hw_deadline[ht_cpu] <= sim_now) {
			hw_deadline[ht_cpu] = STIME_MAX;
			softirq_raise(SOFTIRQ_TIMER);
		}
	}
	for (unsigned int i = 0; i < sim_nr_vcpus; i++) {
		struct sim_vcpu *s = &sim_vcpus[i];

		if (s->wake_at > sim_now)
			continue;
		/* By an interrupt on any CPU. */
		ht_cpu = (unsigned int)random() % sim_cpus;
		s->wake_at = STIME_MAX;
		s->woken_at = sim_now;
		vcpu_kick(s->v);
	}
	ht_cpu = 0;
}

void sim_run(s_time_t duration)
{
	s_time_t end = sim_now + duration;

	sim_settle();
	while (sim_now < end) {
		time_goes_on(next_event(end));
		sim_settle();
	}
}

/* ---- measuring ---------------------------------------------------------------------------------- */

void sim_mark(void)
{
	marked_at = sim_now;
	for (unsigned int i = 0; i < sim_nr_vcpus; i++) {
		marked[i] = sim_vcpus[i].ran;
		sim_vcpus[i].worst_wait = sim_vcpus[i].waits = 0;
		sim_vcpus[i].nr_waits = sim_vcpus[i].moves = 0;
	}
}

double sim_vcpu_share(const struct sim_vcpu *s)
{
	return 100.0 * (double)(s->ran - marked[s - sim_vcpus]) / (double)(sim_now - marked_at);
}

double sim_share(const struct domain *d)
{
	double sum = 0;

	for (unsigned int i = 0; i < sim_nr_vcpus; i++) {
		if (sim_vcpus[i].v->domain == d)
			sum += sim_vcpu_share(&sim_vcpus[i]);
	}
	return sum;
}
