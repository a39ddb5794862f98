/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The scheduler in simulated time (sim.h): shares follow weights, on any number of
 * CPUs and whatever was before; caps hold; who wakes runs soon; affinity, pausing
 * and polling do what they say; and in a long random run nobody who wants to run is
 * forgotten while a CPU idles. Tries S1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/evtchn.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/softirq.h>
#include <hv/spinlock.h>
#include <public/event_channel.h>
#include <public/sysctl.h>
#include <arch/cpu.h>

#include "../../../hypervisor/sched/sched.h"
#include "sim.h"

#define SLICE MILLISECS(10)

static void assert_share(const char *who, double got, double want, double tolerance)
{
	if (got < want - tolerance || got > want + tolerance)
		fail_msg("%s has %.1f %%, not %.1f", who, got, want);
}

/* ---- fairness ------------------------------------------------------------------------------ */

struct load {
	unsigned int vcpus, weight;
	double want; /* filled in */
};

/*
 * What each may have of @cpus CPUs: in proportion to weights, but no vCPU more than
 * one CPU; what one can't use is the others'.
 */
static void fair_shares(struct load *load, unsigned int n, unsigned int cpus)
{
	bool full[16] = {false}, changed = true;

	while (changed) {
		double room = cpus * 100.0, weights = 0;

		for (unsigned int i = 0; i < n; i++) {
			if (full[i])
				room -= load[i].want;
			else
				weights += load[i].weight;
		}
		changed = false;
		for (unsigned int i = 0; i < n; i++) {
			double most = min(load[i].vcpus, cpus) * 100.0;

			if (full[i])
				continue;
			load[i].want = room * load[i].weight / weights;
			if (load[i].want > most) {
				load[i].want = most;
				full[i] = changed = true;
			}
		}
	}
}

static void check_fair(unsigned int cpus, struct load *load, unsigned int n)
{
	struct domain *d[16];
	char who[128];

	sim_start(cpus);
	fair_shares(load, n, cpus);
	for (unsigned int i = 0; i < n; i++)
		d[i] = sim_domain(i + 1, load[i].vcpus, load[i].weight);
	sim_run(SECONDS(2));
	sim_mark();
	sim_run(SECONDS(20));
	for (unsigned int i = 0; i < n; i++) {
		snprintf(who, sizeof(who), "domain %u of %u on %u CPUs (weight %u, %u vCPUs)", i, n,
			 cpus, load[i].weight, load[i].vcpus);
		if (getenv("HT_LOG"))
			fprintf(stderr, "%s: %.1f of %.1f\n", who, sim_share(d[i]), load[i].want);
		assert_share(who, sim_share(d[i]), load[i].want, 0.04 * load[i].want + 1);
	}
	sim_stop();
}
#define FAIR(cpus, ...) \
	check_fair(cpus, (struct load[]){__VA_ARGS__}, ARRAY_SIZE(((struct load[]){__VA_ARGS__})))

static void weights_on_one_cpu(void **state)
{
	FAIR(1, {1, 256}, {1, 256});
	FAIR(1, {1, 256}, {1, 512});
	FAIR(1, {1, 256}, {1, 512}, {1, 1024});
	FAIR(1, {1, 64}, {1, 1024});
	FAIR(1, {3, 256}, {1, 256});
	FAIR(1, {4, 1024}, {1, 256}, {2, 256});
	FAIR(1, {1, 256}, {1, 256}, {1, 256}, {1, 256}, {1, 256}, {1, 256}, {1, 256}, {1, 256});
}

static void weights_on_more_cpus(void **state)
{
	FAIR(2, {1, 256}, {1, 256}, {1, 256});
	FAIR(2, {2, 256}, {2, 512});
	FAIR(2, {2, 1024}, {1, 256}, {1, 256});
	FAIR(2, {2, 256}, {1, 256}, {1, 512}, {3, 256});
	FAIR(3, {1, 256}, {1, 256}, {1, 256}, {1, 256});
	FAIR(4, {4, 256}, {4, 256});
	FAIR(4, {4, 1024}, {4, 256}, {2, 256}, {1, 256});
	FAIR(4, {1, 256}, {1, 256}, {1, 256}, {1, 256}, {1, 256});
	FAIR(4, {8, 256}, {2, 512}, {3, 128});
}

/* One that can't use what it is due: the others share the rest, and fairly. */
static void weights_that_do_not_fit(void **state)
{
	FAIR(2, {1, 1024}, {1, 256}, {1, 256});
	FAIR(2, {1, 1024}, {1, 256}, {1, 512});
	FAIR(4, {1, 2048}, {1, 256}, {1, 256}, {1, 256}, {1, 256});
	FAIR(4, {2, 4096}, {4, 256}, {2, 256});
	FAIR(2, {1, 65535}, {2, 256});
}

/*
 * One CPU had but little to do for a long time, and then work comes to it: that it is
 * new there makes neither it nor those that were before wait for what is long past.
 */
static void after_a_long_imbalance(void **state)
{
	struct domain *a, *b, *c;

	for (unsigned int first = 64; first <= 4096; first *= 8) {
		sim_start(2);
		a = sim_domain(1, 1, first);
		sim_run(SECONDS(600));
		b = sim_domain(2, 1, 256);
		sim_run(SECONDS(300));
		c = sim_domain(3, 1, 256);
		sim_weight(a, 256, 0);
		sim_run(SECONDS(2));
		sim_mark();
		sim_run(SECONDS(10));
		assert_share("the first", sim_share(a), 66.7, 4);
		assert_share("the second", sim_share(b), 66.7, 4);
		assert_share("the third", sim_share(c), 66.7, 4);
		sim_stop();
	}
}

/* The same by affinity: one that was alone on its CPU is brought to another's. */
static void pinned_together_later(void **state)
{
	struct domain *a, *b;

	for (unsigned int w = 16; w <= 4096; w *= 16) {
		sim_start(2);
		a = sim_domain(1, 1, w);
		b = sim_domain(2, 1, 256);
		sim_pin(a->vcpu[0], 1, ~0UL);
		sim_pin(b->vcpu[0], 2, ~0UL);
		sim_run(SECONDS(1000));
		sim_weight(a, 256, 0);
		sim_pin(a->vcpu[0], 2, ~0UL);
		sim_run(SECONDS(2));
		sim_mark();
		sim_run(SECONDS(5));
		assert_share("who came", sim_share(a), 50, 2);
		assert_share("who was there", sim_share(b), 50, 2);
		sim_stop();
	}
}

/* Sleeping saves up no more than a moment's advantage. */
static void sleepers_get_no_more_than_they_need(void **state)
{
	struct domain *a, *b;

	sim_start(1);
	a = sim_domain(1, 1, 256);
	b = sim_domain(2, 1, 256);
	sim_sleeper(sim_of(a->vcpu[0]), MILLISECS(1), MILLISECS(9));
	sim_run(SECONDS(1));
	sim_mark();
	sim_run(SECONDS(20));
	/* It needs less than its half: then it has nearly what it would have alone. */
	assert_share("the sleeper", sim_share(a), 9.5, 1);
	assert_share("the spinner", sim_share(b), 90.5, 1);
	/* It wants more: it gets its half and no more. */
	sim_sleeper(sim_of(a->vcpu[0]), MILLISECS(90), MILLISECS(1));
	sim_run(SECONDS(1));
	sim_mark();
	sim_run(SECONDS(20));
	assert_share("the greedy sleeper", sim_share(a), 50, 3);
	/* After a long sleep, too. */
	sim_sleeper(sim_of(a->vcpu[0]), SECONDS(20), SECONDS(30));
	sim_run(SECONDS(100));
	sim_stop();
}

static void nobody_starves_after_a_long_sleep(void **state)
{
	struct domain *a, *b;

	sim_start(1);
	a = sim_domain(1, 1, 256);
	b = sim_domain(2, 1, 256);
	domain_pause_nosync(a);
	sim_run(SECONDS(1000));
	domain_unpause(a);
	sim_mark();
	sim_run(SECONDS(1));
	assert_share("who was away", sim_share(a), 50, 3);
	assert_share("who was there", sim_share(b), 50, 3);
	sim_stop();
}

/* ---- caps ------------------------------------------------------------------------------------- */

static void caps(void **state)
{
	static const unsigned int cap[] = {5, 10, 25, 50, 80, 100, 150};

	for (unsigned int i = 0; i < ARRAY_SIZE(cap); i++) {
		struct domain *a;

		sim_start(2);
		a = sim_domain(1, 2, 256);
		sim_domain(2, 1, 256);
		sim_weight(a, 0, cap[i]);
		sim_run(SECONDS(1));
		sim_mark();
		sim_run(SECONDS(30));
		assert_share("a capped domain", sim_share(a), min(cap[i], 100U),
			     cap[i] * 0.04 + 0.5);
		/* What is set free runs again at once. */
		sim_weight(a, 0, 0);
		sim_mark();
		sim_run(SECONDS(5));
		assert_share("without a cap", sim_share(a), 100, 8);
		sim_stop();
	}
}

static void cap_of_sleepers(void **state)
{
	struct domain *a;

	sim_start(1);
	a = sim_domain(1, 1, 256);
	sim_weight(a, 0, 30);
	/* Below its cap it isn't held. */
	sim_sleeper(sim_of(a->vcpu[0]), MILLISECS(2), MILLISECS(8));
	sim_mark();
	sim_run(SECONDS(10));
	assert_share("a domain below its cap", sim_share(a), 20, 1);
	sim_sleeper(sim_of(a->vcpu[0]), MILLISECS(5), MILLISECS(1));
	sim_mark();
	sim_run(SECONDS(10));
	assert_share("a domain at its cap", sim_share(a), 30, 1.5);
	/* Pausing, while it is held or not, changes nothing about that. */
	for (unsigned int i = 0; i < 50; i++) {
		domain_pause_nosync(a);
		sim_run(MILLISECS(3));
		domain_unpause(a);
		sim_run(MILLISECS(17));
	}
	sim_mark();
	sim_run(SECONDS(10));
	assert_share("a domain at its cap", sim_share(a), 30, 1.5);
	sim_stop();
}

static void parameters(void **state)
{
	struct xen_domctl_scheduler_op op = {.cmd = XEN_DOMCTL_SCHEDOP_getinfo};
	struct xen_sysctl_scheduler_op g = {.cmd = XEN_SYSCTL_SCHEDOP_getinfo};
	struct xen_sysctl_credit_schedule was;
	struct domain *dom0, *d;

	sim_start(1);
	dom0 = sim_domain(0, 1, 0);
	d = sim_domain(1, 2, 0);
	assert_int_equal(sched_policy->domain_params(dom0, &op), 0);
	assert_int_equal(op.u.credit.weight, 1024); /* the control domain comes first */
	assert_int_equal(sched_policy->domain_params(d, &op), 0);
	assert_int_equal(op.u.credit.weight, 256);
	assert_int_equal(op.u.credit.cap, 0);
	op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op.u.credit.weight = 300;
	op.u.credit.cap = 201; /* more than its vCPUs can use: nothing changes */
	assert_int_equal(sched_policy->domain_params(d, &op), -EINVAL);
	op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	assert_int_equal(sched_policy->domain_params(d, &op), 0);
	assert_int_equal(op.u.credit.weight, 256);
	sim_weight(d, 0, 200); /* weight 0: as it is */
	sim_weight(d, 77, 0xffff); /* cap 65535: as it is */
	assert_int_equal(sched_policy->domain_params(d, &op), 0);
	assert_int_equal(op.u.credit.weight, 77);
	assert_int_equal(op.u.credit.cap, 200);
	op.cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
	assert_int_equal(sched_policy->domain_params(d, &op), -EINVAL);

	assert_int_equal(sched_policy->global_params(&g), 0);
	was = g.u.sched_credit;
	g.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	g.u.sched_credit.tslice_ms = 1001;
	assert_int_equal(sched_policy->global_params(&g), -EINVAL);
	g.u.sched_credit.tslice_ms = 0;
	assert_int_equal(sched_policy->global_params(&g), -EINVAL);
	g.u.sched_credit = was;
	g.u.sched_credit.ratelimit_us = 99;
	assert_int_equal(sched_policy->global_params(&g), -EINVAL);
	g.u.sched_credit.ratelimit_us = was.tslice_ms * 1000 + 1;
	assert_int_equal(sched_policy->global_params(&g), -EINVAL);
	g.u.sched_credit = was;
	assert_int_equal(sched_policy->global_params(&g), 0);
	sim_stop();
}

/* ---- latency --------------------------------------------------------------------------------- */

/* The control domain is never starved: it runs soon after an event, come what may. */
static void control_domain_latency(void **state)
{
	for (unsigned int cpus = 1; cpus <= 4; cpus++) {
		struct domain *dom0;
		struct sim_vcpu *s;

		sim_start(cpus);
		dom0 = sim_domain(0, 1, 0);
		for (unsigned int i = 1; i <= 6; i++)
			sim_domain(i, 2, 256);
		s = sim_of(dom0->vcpu[0]);
		sim_sleeper(s, MICROSECS(300), MILLISECS(7) + 130);
		sim_run(SECONDS(1));
		sim_mark();
		sim_run(SECONDS(20));
		assert_true(s->nr_waits > 2000);
		if (s->worst_wait > MILLISECS(2))
			fail_msg("waited %ld us on %u CPUs", s->worst_wait / 1000, cpus);
		sim_stop();
	}
}

/* It spins itself: then four parts to one of any guest. */
static void control_domain_share(void **state)
{
	struct domain *dom0;

	sim_start(1);
	dom0 = sim_domain(0, 1, 0);
	for (unsigned int i = 1; i <= 4; i++)
		sim_domain(i, 1, 256);
	sim_mark();
	sim_run(SECONDS(20));
	assert_share("the control domain", sim_share(dom0), 50, 2);
	sim_stop();
}

/* Among equals: nobody waits longer than a slice of each other. */
static void everybody_runs(void **state)
{
	sim_start(1);
	for (unsigned int i = 1; i <= 8; i++)
		sim_domain(i, 1, 256);
	sim_run(SECONDS(1));
	for (unsigned int round = 0; round < 50; round++) {
		sim_mark();
		sim_run(SLICE * 10);
		for (unsigned int i = 0; i < sim_nr_vcpus; i++)
			assert_true(sim_vcpu_share(&sim_vcpus[i]) > 0);
	}
	sim_stop();
}

/* Two that wake each other all the time don't have more switches than there is room for. */
static void rate_limit(void **state)
{
	struct domain *a;
	unsigned int before;

	sim_start(1);
	a = sim_domain(1, 1, 256);
	sim_domain(2, 1, 256);
	sim_sleeper(sim_of(a->vcpu[0]), MICROSECS(20), MICROSECS(20));
	sim_run(SECONDS(1));
	before = sim_switches;
	sim_run(SECONDS(1));
	/* To it and back, a millisecond for the other in between. */
	assert_true(sim_switches - before < 2100);
	sim_stop();
}

/* ---- where --------------------------------------------------------------------------------------- */

static void affinity(void **state)
{
	struct domain *a, *b;

	sim_start(4);
	a = sim_domain(1, 4, 256);
	b = sim_domain(2, 4, 256);
	for (unsigned int i = 0; i < 4; i++)
		sim_pin(a->vcpu[i], 1UL << 2, ~0UL);
	sim_run(SECONDS(1));
	sim_mark();
	sim_run(SECONDS(10));
	/* arch_context_switch checks that nobody is where he may not be. */
	assert_share("the pinned", sim_share(a), 100, 10);
	assert_share("the free", sim_share(b), 300, 10);
	for (unsigned int i = 0; i < 400; i++) {
		sim_pin(a->vcpu[i % 4], 1 + (unsigned long)random() % 15,
			(unsigned long)random() % 16);
		sim_run((s_time_t)random() % MILLISECS(5));
	}
	assert_int_equal(sched_set_affinity(a->vcpu[0], CPUMASK_NONE, CPUMASK_ALL), -EINVAL);
	assert_int_equal(sched_set_affinity(a->vcpu[0], cpumask_of(5), CPUMASK_ALL), -EINVAL);
	sim_stop();
}

/* Pinned to one CPU and let go again: they spread, without anybody having to wake. */
static void unpinned_spread(void **state)
{
	struct domain *a;

	sim_start(4);
	a = sim_domain(1, 4, 256);
	for (unsigned int i = 0; i < 4; i++)
		sim_pin(a->vcpu[i], 1, ~0UL);
	sim_run(SECONDS(1));
	for (unsigned int i = 0; i < 4; i++)
		sim_pin(a->vcpu[i], ~0UL, ~0UL);
	sim_run(MILLISECS(100));
	sim_mark();
	sim_run(SECONDS(1));
	assert_share("four on four CPUs", sim_share(a), 400, 0.1);
	sim_stop();
}

/* Where there is room, a vCPU wakes where it would rather be. */
static void soft_affinity(void **state)
{
	struct domain *a;
	struct sim_vcpu *s;

	sim_start(4);
	a = sim_domain(1, 1, 256);
	s = sim_of(a->vcpu[0]);
	sim_sleeper(s, MILLISECS(1), MILLISECS(1));
	sim_run(MILLISECS(50));
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		sim_pin(a->vcpu[0], ~0UL, 1UL << cpu);
		sim_run(MILLISECS(20));
		assert_int_equal(s->last_cpu, cpu);
		sim_mark();
		sim_run(MILLISECS(200));
		assert_int_equal(s->moves, 0);
	}
	/* Busy there: then elsewhere rather than not at all. */
	sim_domain(2, 1, 256);
	sim_pin(a->vcpu[0], 3, 1);
	sim_pin(sim_vcpus[1].v, 1, 1);
	sim_run(MILLISECS(100));
	sim_mark();
	sim_run(SECONDS(2));
	assert_true(sim_share(a) > 45);
	sim_stop();
}

/* Nobody waits while a CPU idles, whoever comes and goes. */
static void no_cpu_idles_in_vain(void **state)
{
	double all;

	sim_start(4);
	for (unsigned int i = 1; i <= 5; i++)
		sim_domain(i, 1, 256);
	sim_sleeper(&sim_vcpus[0], MILLISECS(3), MILLISECS(4));
	sim_run(SECONDS(1));
	sim_mark();
	sim_run(SECONDS(10));
	all = 0;
	for (unsigned int i = 0; i < sim_nr_vcpus; i++)
		all += sim_vcpu_share(&sim_vcpus[i]);
	assert_share("all", all, 400, 0.5);
	sim_stop();
}

/*
 * A CPU has nothing to do and looks into another's queue just when that is locked or
 * its vCPU still on its way out: it has to look again.
 */
static void look_again(void **state)
{
	struct domain *a, *b;
	struct spinlock *lock;

	sim_start(2);
	a = sim_domain(1, 2, 256);
	b = sim_domain(2, 1, 256);
	sim_pin(a->vcpu[0], 1, ~0UL);
	sim_pin(a->vcpu[1], 3, ~0UL);
	sim_pin(b->vcpu[0], 2, ~0UL);
	sim_run(MILLISECS(300));
	/* Two on CPU 0, and CPU 1 becomes free while CPU 0 has its queue locked. */
	sim_pin(a->vcpu[1], 1, ~0UL);
	sim_run(MILLISECS(100));
	a->vcpu[1]->hard_affinity = CPUMASK_ALL;
	lock = &per_cpu(run_queue, 0).lock;
	ht_cpu = 1;
	vcpu_pause_nosync(b->vcpu[0]);
	ht_cpu = 0;
	spin_lock(lock);
	ht_cpu = 1;
	softirq_run();
	assert_true(is_idle_vcpu(ht_current[1]));
	ht_cpu = 0;
	spin_unlock(lock);
	sim_run(MILLISECS(50));
	sim_mark();
	sim_run(SECONDS(1));
	assert_share("two on two CPUs", sim_share(a), 200, 0.1);
	vcpu_unpause(b->vcpu[0]);
	sim_stop();
}

/* A CPU that comes up later gets its share of the work. */
static void cpu_comes_up(void **state)
{
	struct domain *a;

	sim_start(4);
	cpu_online_map.bits = 1;
	sim_cpus = 1;
	a = sim_domain(1, 4, 256);
	sim_run(SECONDS(1));
	for (unsigned int cpus = 2; cpus <= 4; cpus++) {
		sim_cpus = cpus;
		cpu_online_map.bits = BIT(cpus) - 1;
		sim_run(MILLISECS(100));
		sim_mark();
		sim_run(SECONDS(1));
		assert_share("four on more CPUs", sim_share(a), 100.0 * cpus, 1);
	}
	sim_stop();
}

/* ---- states ---------------------------------------------------------------------------------------- */

static void check_runstate(struct vcpu *v, int state)
{
	struct vcpu_runstate_info r;
	uint64_t sum = 0;

	vcpu_runstate_get(v, &r);
	assert_int_equal(r.state, state);
	for (unsigned int i = 0; i < 4; i++)
		sum += r.time[i];
	assert_int_equal(sum, sim_now - SECONDS(1));
	assert_int_equal(r.time[RUNSTATE_running], sim_of(v)->ran);
	assert_int_equal(vcpu_cpu_time(v), sim_of(v)->ran);
}

static void pausing(void **state)
{
	struct domain *a;
	struct vcpu *v;

	sim_start(1);
	a = sim_domain(1, 2, 256);
	v = a->vcpu[0];
	sim_pin(a->vcpu[1], 1, 1);
	vcpu_pause_nosync(a->vcpu[1]);
	sim_run(MILLISECS(100));
	check_runstate(v, RUNSTATE_running);
	check_runstate(a->vcpu[1], RUNSTATE_offline);
	/* Counted, of the vCPU and of the domain. */
	vcpu_pause_nosync(v);
	vcpu_pause_nosync(v);
	domain_pause_nosync(a);
	sim_settle();
	assert_true(is_idle_vcpu(ht_current[0]));
	check_runstate(v, RUNSTATE_offline);
	vcpu_unpause(v);
	domain_unpause(a);
	sim_run(MILLISECS(10));
	check_runstate(v, RUNSTATE_offline);
	vcpu_unpause(v);
	sim_run(MILLISECS(10));
	check_runstate(v, RUNSTATE_running);
	/* An event for a paused one is kept. */
	sim_sleeper(sim_of(v), MILLISECS(1), SECONDS(100));
	sim_run(MILLISECS(10));
	check_runstate(v, RUNSTATE_blocked);
	vcpu_pause(v);
	vcpu_kick(v);
	sim_run(MILLISECS(5));
	check_runstate(v, RUNSTATE_offline);
	vcpu_unpause(v);
	sim_settle();
	check_runstate(v, RUNSTATE_running);
	sim_of(v)->wake_at = STIME_MAX;
	vcpu_unpause(a->vcpu[1]);
	sim_stop();
}

/* SCHEDOP_yield: the others first, and no share lost for good. */
static void do_yield(struct sim_vcpu *s)
{
	assert_int_equal(do_sched_op(SCHEDOP_yield, 0), 0);
}

static void yielding(void **state)
{
	struct domain *a, *b;

	sim_start(1);
	a = sim_domain(1, 1, 256);
	b = sim_domain(2, 1, 256);
	sim_sleeper(sim_of(a->vcpu[0]), MICROSECS(100), 0);
	sim_of(a->vcpu[0])->on_run_end = do_yield;
	sim_mark();
	sim_run(SECONDS(5));
	assert_true(sim_share(a) < 10);
	assert_true(sim_share(a) > 0.5);
	assert_true(sim_share(b) > 90);
	/* Alone it may yield as it likes. */
	domain_pause_nosync(b);
	sim_settle();
	sim_mark();
	sim_run(SECONDS(1));
	assert_share("alone", sim_share(a), 100, 0.1);
	domain_unpause(b);
	sim_stop();
}

/* ---- SCHEDOP_poll and SCHEDOP_block with real event channels ------------------------------------------- */

static evtchn_port_t poll_ports[2];
static struct vcpu *poller;
static long poll_rc;

static long poll(unsigned int nr, uint64_t timeout)
{
	struct sched_poll p = {.nr_ports = nr, .timeout = timeout};

	p.ports.p = poll_ports;
	return do_sched_op(SCHEDOP_poll, ht_va(&p));
}

static evtchn_port_t bind_ipi(struct domain *d)
{
	struct evtchn_bind_ipi op = {.vcpu = 0};

	assert_int_equal(do_event_channel_op(EVTCHNOP_bind_ipi, ht_va(&op)), 0);
	/* Masked: as who polls has it. */
	__set_bit(op.port, d->shared_info->evtchn_mask);
	return op.port;
}

static void polling(void **state)
{
	struct domain *a;
	s_time_t start;

	sim_start(2);
	a = sim_domain(1, 1, 256);
	poller = a->vcpu[0];
	sim_settle();
	ht_cpu = poller->cpu;
	assert_ptr_equal(ht_current[ht_cpu], poller);
	poll_ports[0] = bind_ipi(a);
	poll_ports[1] = bind_ipi(a);

	/* A timeout ends it, and on time. */
	start = sim_now;
	assert_int_equal(poll(1, (uint64_t)(start + MILLISECS(5))), 0);
	sim_run(MILLISECS(4));
	assert_true(is_idle_vcpu(ht_current[poller->cpu]));
	check_runstate(poller, RUNSTATE_blocked);
	sim_run(MILLISECS(2));
	assert_ptr_equal(ht_current[poller->cpu], poller);
	assert_int_equal(sim_of(poller)->ran, sim_now - start - MILLISECS(5));

	/* An event ends it; the timeout that is left over doesn't matter. */
	for (unsigned int nr = 1; nr <= 2; nr++) {
		ht_cpu = poller->cpu;
		assert_int_equal(poll(nr, (uint64_t)(sim_now + SECONDS(1))), 0);
		sim_run(MILLISECS(1));
		assert_true(is_idle_vcpu(ht_current[poller->cpu]));
		evtchn_send_port(a, poll_ports[nr - 1]);
		sim_settle();
		assert_ptr_equal(ht_current[poller->cpu], poller);
		assert_false(test_bit(VPF_polling, &poller->pause_flags));
		assert_false(test_bit(0, a->poll_mask));
		/* It is pending: no more waiting for it. */
		ht_cpu = poller->cpu;
		assert_int_equal(poll(nr, 0), 0);
		sim_settle();
		assert_ptr_equal(ht_current[poller->cpu], poller);
		__clear_bit(poll_ports[nr - 1], a->shared_info->evtchn_pending);
	}

	/* In the past: at once. */
	ht_cpu = poller->cpu;
	assert_int_equal(poll(1, 1), 0);
	sim_settle();
	assert_ptr_equal(ht_current[poller->cpu], poller);

	/* Without a timeout: till the event, however long. */
	ht_cpu = poller->cpu;
	assert_int_equal(poll(1, 0), 0);
	sim_run(SECONDS(5));
	assert_true(is_idle_vcpu(ht_current[poller->cpu]));
	evtchn_send_port(a, poll_ports[0]);
	sim_settle();
	assert_ptr_equal(ht_current[poller->cpu], poller);
	__clear_bit(poll_ports[0], a->shared_info->evtchn_pending);

	/* Bad calls leave it running. */
	ht_cpu = poller->cpu;
	poll_rc = poll(129, 0);
	assert_int_equal(poll_rc, -EINVAL);
	poll_ports[0] = 100;
	assert_int_equal(poll(1, 0), -EINVAL);
	assert_int_equal(do_sched_op(SCHEDOP_poll, 0), -EFAULT);
	ht_guest_fault(poll_ports, sizeof(poll_ports));
	assert_int_equal(poll(2, 0), -EFAULT);
	ht_guest_fault(NULL, 0);
	sim_settle();
	assert_ptr_equal(ht_current[poller->cpu], poller);
	assert_int_equal(poller->pause_flags, 0);
	sim_stop();
}

static void blocking(void **state)
{
	struct domain *a;
	struct vcpu *v;

	sim_start(1);
	a = sim_domain(1, 1, 256);
	v = a->vcpu[0];
	sim_settle();
	/* An event is there already: block returns at once, and unmasks. */
	v->vcpu_info->evtchn_upcall_pending = 1;
	v->vcpu_info->evtchn_upcall_mask = 1;
	assert_int_equal(do_sched_op(SCHEDOP_block, 0), 0);
	sim_settle();
	assert_ptr_equal(ht_current[0], v);
	assert_int_equal(v->vcpu_info->evtchn_upcall_mask, 0);
	v->vcpu_info->evtchn_upcall_pending = 0;
	assert_int_equal(do_sched_op(SCHEDOP_block, 0), 0);
	/* The event comes before the switch is done. */
	vcpu_kick(v);
	sim_settle();
	assert_ptr_equal(ht_current[0], v);
	assert_int_equal(do_sched_op(SCHEDOP_block, 0), 0);
	sim_settle();
	assert_true(is_idle_vcpu(ht_current[0]));
	vcpu_kick(v);
	sim_settle();
	assert_ptr_equal(ht_current[0], v);
	assert_int_equal(do_sched_op(99, 0), -ENOSYS);
	sim_stop();
}

static void shutdown_ops(void **state)
{
	struct sched_shutdown s = {.reason = SHUTDOWN_MAX + 1};
	struct sched_remote_shutdown r = {.domain_id = 1, .reason = SHUTDOWN_reboot};
	struct domain *dom0, *a;

	sim_start(2);
	dom0 = sim_domain(0, 1, 0);
	a = sim_domain(1, 1, 256);
	sim_pin(dom0->vcpu[0], 1, 1);
	sim_pin(a->vcpu[0], 2, 2);
	sim_run(MILLISECS(50));
	ht_cpu = 1;
	assert_int_equal(do_sched_op(SCHEDOP_remote_shutdown, ht_va(&r)), -EPERM);
	assert_int_equal(do_sched_op(SCHEDOP_shutdown, ht_va(&s)), -EINVAL);
	assert_int_equal(do_sched_op(SCHEDOP_shutdown, 0), -EFAULT);
	assert_false(a->is_shutting_down);
	s.reason = SHUTDOWN_crash;
	assert_int_equal(do_sched_op(SCHEDOP_shutdown, ht_va(&s)), 0);
	assert_int_equal(a->shutdown_code, SHUTDOWN_crash);
	ht_cpu = 0;
	assert_int_equal(do_sched_op(SCHEDOP_remote_shutdown, ht_va(&r)), 0);
	assert_int_equal(a->shutdown_code, SHUTDOWN_reboot);
	r.domain_id = 9;
	assert_int_equal(do_sched_op(SCHEDOP_remote_shutdown, ht_va(&r)), -ESRCH);
	r.reason = SHUTDOWN_MAX + 1;
	assert_int_equal(do_sched_op(SCHEDOP_remote_shutdown, ht_va(&r)), -EINVAL);
	assert_int_equal(do_sched_op(SCHEDOP_remote_shutdown, 0), -EFAULT);
	sim_stop();
}

/* ---- everything at once -------------------------------------------------------------------------------- */

/* While a vCPU leaves its CPU, others kick, pause and move it. */
static void disturb(struct vcpu *prev, struct vcpu *next)
{
	unsigned int cpu = ht_cpu;
	struct sim_vcpu *s = sim_of(prev);

	if (!s || random() % 4)
		return;
	local_irq_enable();
	ht_cpu = (cpu + 1) % sim_cpus;
	if (ht_cpu != cpu) {
		if (s->wake_at != STIME_MAX) {
			s->wake_at = STIME_MAX;
			vcpu_kick(prev);
		}
		if (random() % 2)
			softirq_run(); /* it may want to steal what is on its way out */
	}
	ht_cpu = cpu;
	local_irq_disable();
}

/* Who is runnable is on a CPU or in a queue that its CPU looks at. */
static void nobody_is_forgotten(void)
{
	for (unsigned int i = 0; i < sim_nr_vcpus; i++) {
		struct vcpu *v = sim_vcpus[i].v;
		bool on = false;

		for (unsigned int cpu = 0; cpu < sim_cpus; cpu++)
			on = on || ht_current[cpu] == v;
		assert_int_equal(on, v->running);
		assert_false(v->running && v->queued);
		if (vcpu_is_runnable(v))
			assert_true(v->running || v->queued);
		else
			assert_false(v->running || v->queued);
		if (v->queued)
			assert_true(cpumask_test(v->cpu, &v->hard_affinity));
	}
}

static void random_step(struct domain **d, unsigned int nr, int *paused)
{
	struct sim_vcpu *s = &sim_vcpus[(unsigned int)random() % sim_nr_vcpus];
	unsigned int i = (unsigned int)random() % nr;

	ht_cpu = (unsigned int)random() % sim_cpus;
	switch (random() % 8) {
	case 0:
		if (random() % 2) {
			domain_pause_nosync(d[i]);
			paused[i]++;
		}
		break;
	case 1:
	case 2:
		if (paused[i]) {
			domain_unpause(d[i]);
			paused[i]--;
		}
		break;
	case 3:
		sim_pin(s->v, 1 + (unsigned long)random() % (BIT(sim_cpus) - 1),
			(unsigned long)random());
		break;
	case 4:
		sim_sleeper(s, 1 + (s_time_t)random() % MILLISECS(4),
			    (s_time_t)random() % MILLISECS(8));
		s->polls = random() % 2;
		break;
	case 5:
		sim_weight(d[i], 1 + (unsigned int)random() % 2000, 0xffff);
		break;
	case 6:
		sim_weight(d[i], 0, random() % 2 ? 0 : 10 + (unsigned int)random() % 80);
		break;
	default:
		s->wake_at = STIME_MAX;
		s->polls ? vcpu_poll_wake(s->v) : vcpu_kick(s->v);
		break;
	}
	ht_cpu = 0;
}

static void random_run(void **state)
{
	for (unsigned int seed = 1; seed <= 12; seed++) {
		unsigned int nr = 1 + seed % 5;
		struct domain *d[5];
		int paused[5] = {0};
		bool capped = seed % 2;

		srandom(seed);
		sim_start(1 + seed % 4);
		for (unsigned int i = 0; i < nr; i++)
			d[i] = sim_domain(i, 1 + (unsigned int)random() % 4, 256);
		sim_in_switch = disturb;
		for (unsigned int k = 0; k < 3000; k++) {
			random_step(d, nr, paused);
			if (!capped) {
				for (unsigned int i = 0; i < nr; i++)
					sim_weight(d[i], 0, 0);
			}
			sim_run((s_time_t)random() % MILLISECS(3));
			/* Parked ones are in no queue. */
			if (!capped)
				nobody_is_forgotten();
		}
		/* All are let go: all get on. */
		for (unsigned int i = 0; i < nr; i++) {
			for (; paused[i]; paused[i]--)
				domain_unpause(d[i]);
			sim_weight(d[i], 256, 0);
		}
		for (unsigned int i = 0; i < sim_nr_vcpus; i++) {
			sim_pin(sim_vcpus[i].v, ~0UL, ~0UL);
			sim_vcpus[i].run = 0;
			sim_vcpus[i].wake_at = STIME_MAX;
			vcpu_poll_wake(sim_vcpus[i].v);
			vcpu_kick(sim_vcpus[i].v);
		}
		sim_run(SECONDS(2));
		nobody_is_forgotten();
		sim_mark();
		sim_run(SECONDS(1));
		for (unsigned int i = 0; i < sim_nr_vcpus; i++)
			assert_true(sim_vcpu_share(&sim_vcpus[i]) > 0);
		sim_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_on_one_cpu),
		cmocka_unit_test(weights_on_more_cpus),
		cmocka_unit_test(weights_that_do_not_fit),
		cmocka_unit_test(after_a_long_imbalance),
		cmocka_unit_test(pinned_together_later),
		cmocka_unit_test(sleepers_get_no_more_than_they_need),
		cmocka_unit_test(nobody_starves_after_a_long_sleep),
		cmocka_unit_test(caps),
		cmocka_unit_test(cap_of_sleepers),
		cmocka_unit_test(parameters),
		cmocka_unit_test(control_domain_latency),
		cmocka_unit_test(control_domain_share),
		cmocka_unit_test(everybody_runs),
		cmocka_unit_test(rate_limit),
		cmocka_unit_test(affinity),
		cmocka_unit_test(unpinned_spread),
		cmocka_unit_test(soft_affinity),
		cmocka_unit_test(no_cpu_idles_in_vain),
		cmocka_unit_test(look_again),
		cmocka_unit_test(cpu_comes_up),
		cmocka_unit_test(pausing),
		cmocka_unit_test(yielding),
		cmocka_unit_test(polling),
		cmocka_unit_test(blocking),
		cmocka_unit_test(shutdown_ops),
		cmocka_unit_test(random_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
