/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Timers against a sorted list, in random order; from within their own functions;
 * across CPUs. The scale from TSC ticks to ns: exact to what 32 bits can be, monotonic,
 * for years. What guests read of it. Softirqs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <hv/time.h>
#include <hv/timer.h>
#include <arch/apic.h>
#include <arch/timer.h>

#define TSC_KHZ 2600000UL

static s_time_t programmed[HT_CPUS];
static unsigned int ipis[HT_CPUS];

void arch_timer_program(s_time_t deadline)
{
	programmed[ht_cpu] = deadline;
}

void arch_timer_calibrate(uint64_t *ret_tsc_khz, uint64_t *ret_apic_khz)
{
	*ret_tsc_khz = TSC_KHZ;
	*ret_apic_khz = 1000000;
}

uint64_t arch_read_rtc(void)
{
	return 1700000000;
}

void apic_send_ipi(unsigned int cpu, unsigned int vector)
{
	assert_int_equal(vector, VECTOR_EVENT_CHECK);
	ipis[cpu]++;
}

/* The TSC so that it is that time. */
static void set_now(s_time_t ns)
{
	ht_tsc += (uint64_t)((unsigned __int128)(ns - time_now()) * TSC_KHZ / 1000000);
	while (time_now() < ns)
		;
}

static void run_cpu(unsigned int cpu)
{
	ht_cpu = cpu;
	softirq_run();
	ht_cpu = 0;
	ht_assert_quiet();
}

/* ---- timers ---------------------------------------------------------------------------- */

#define TIMERS 200

static struct {
	struct timer t;
	bool armed;
	s_time_t expires;
	unsigned int cpu, ran;
} item[TIMERS];
static s_time_t last_expiry;

static void ran(void *data)
{
	unsigned long i = (unsigned long)(uintptr_t)data;

	assert_true(item[i].armed);
	assert_int_equal(item[i].cpu, ht_cpu);
	assert_true(item[i].expires <= time_now());
	/* In order. */
	assert_true(item[i].expires >= last_expiry);
	last_expiry = item[i].expires;
	item[i].armed = false;
	item[i].ran++;
	assert_false(timer_is_armed(&item[i].t));
}

static s_time_t earliest(unsigned int cpu)
{
	s_time_t t = STIME_MAX;

	for (unsigned int i = 0; i < TIMERS; i++) {
		if (item[i].armed && item[i].cpu == cpu)
			t = min(t, item[i].expires);
	}
	return t;
}

static void check_cpus(unsigned int cpus)
{
	s_time_t now = time_now();

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		ht_cpu = cpu;
		if (programmed[cpu] <= now) /* the hardware's interrupt */
			softirq_raise(SOFTIRQ_TIMER);
		last_expiry = 0;
		run_cpu(cpu);
		assert_true(earliest(cpu) > now);
		ht_cpu = cpu;
		assert_int_equal(timer_next_deadline(), earliest(cpu));
		ht_cpu = 0;
		/* It may come too early, after the earliest one was stopped. */
		assert_true(programmed[cpu] <= earliest(cpu));
	}
	for (unsigned int i = 0; i < TIMERS; i++)
		assert_int_equal(timer_is_armed(&item[i].t), item[i].armed);
}

static void timers_random(void **state)
{
	srandom(1);
	for (unsigned int i = 0; i < TIMERS; i++)
		timer_init(&item[i].t, ran, (void *)(uintptr_t)i, 0);
	for (unsigned int k = 0; k < 60000; k++) {
		unsigned int i = (unsigned int)random() % TIMERS;

		ht_cpu = (unsigned int)random() % 3;
		switch (random() % 6) {
		case 0:
		case 1:
		case 2:
			item[i].expires = time_now() + (s_time_t)(random() % 1000000);
			item[i].armed = true;
			timer_set(&item[i].t, item[i].expires);
			break;
		case 3:
			timer_stop(&item[i].t);
			item[i].armed = false;
			break;
		case 4:
			item[i].cpu = (unsigned int)random() % 3;
			timer_migrate(&item[i].t, item[i].cpu);
			break;
		default:
			ht_cpu = 0;
			set_now(time_now() + (s_time_t)(random() % 30000));
			check_cpus(3);
			break;
		}
		ht_cpu = 0;
	}
	for (unsigned int i = 0; i < TIMERS; i++) {
		assert_true(item[i].ran > 10);
		timer_kill(&item[i].t);
		item[i].armed = false;
		timer_set(&item[i].t, time_now());
		assert_false(timer_is_armed(&item[i].t));
	}
	check_cpus(3);
}

static struct timer again, victim;
static unsigned int again_runs, victim_runs;

static void victim_fn(void *data)
{
	victim_runs++;
}

static void again_fn(void *data)
{
	if (++again_runs < 5)
		timer_set(&again, again.expires); /* in the past: at once */
	else
		timer_stop(&victim);
}

static void timers_from_timers(void **state)
{
	s_time_t t = time_now() + 1000;

	timer_init(&again, again_fn, NULL, 0);
	timer_init(&victim, victim_fn, NULL, 0);
	timer_set(&again, t);
	timer_set(&victim, t + 500);
	set_now(t + 1000);
	softirq_raise(SOFTIRQ_TIMER);
	run_cpu(0);
	assert_int_equal(again_runs, 5);
	assert_int_equal(victim_runs, 0); /* stopped in time, though due */
	timer_kill(&again);
	timer_kill(&victim);
	timer_kill(&(struct timer){.fn = NULL}); /* one that was never made */
}

/* A new earliest deadline makes the timer's CPU look, another one doesn't. */
static void timers_ipis(void **state)
{
	struct timer a, b;
	unsigned int before = ipis[1];

	timer_init(&a, victim_fn, NULL, 1);
	timer_init(&b, victim_fn, NULL, 1);
	timer_set(&a, time_now() + SECONDS(2));
	assert_int_equal(ipis[1], before + 1);
	run_cpu(1);
	timer_set(&b, time_now() + SECONDS(3));
	assert_int_equal(ipis[1], before + 1);
	assert_false(softirq_pending(1));
	timer_set(&b, time_now() + SECONDS(1));
	assert_int_equal(ipis[1], before + 2);
	timer_kill(&a);
	timer_kill(&b);
	run_cpu(1);
	assert_int_equal(programmed[1], STIME_MAX);
}

/* ---- the scale --------------------------------------------------------------------------- */

static void scale_precision(void **state)
{
	static const uint64_t khz[] = {1,       1000,    14318,   500000,  999999,
				       1000000, 1000001, 1999999, 2000000, 2000001,
				       2600000, 3999999, 4000000, 5000000, 10000000};

	for (unsigned int i = 0; i < ARRAY_SIZE(khz); i++) {
		struct time_scale s = time_scale_of(khz[i]);
		uint64_t last = 0;

		/* A year, for slow clocks as many ticks as there are. */
		for (uint64_t seconds = 1; seconds < 366UL * 86400; seconds = seconds * 3 + 1) {
			uint64_t ticks = seconds * khz[i] * 1000;
			uint64_t ns = time_scale_apply(s, ticks), want = seconds * 1000000000UL;
			uint64_t off = ns > want ? ns - want : want - ns;

			/* 31 bits of mul are good to one part in 2^30. */
			assert_true(off <= want / (1UL << 30) + 2);
			assert_true(ns > last);
			last = ns;
		}
		/* What guests compute from the same numbers: monotonic tick by tick. */
		last = time_scale_apply(s, 1UL << 40);
		for (uint64_t t = (1UL << 40) + 1; t < (1UL << 40) + 3000; t++) {
			uint64_t ns = time_scale_apply(s, t);

			assert_true(ns >= last && ns - last <= 1000000 / khz[i] + 1);
			last = ns;
		}
		assert_int_equal(time_scale_apply(s, 0), 0);
	}
}

static void monotonic(void **state)
{
	s_time_t last = time_now();

	for (unsigned int i = 0; i < 100000; i++) {
		s_time_t t;

		ht_tsc += (uint64_t)random() % 3;
		t = time_now();
		assert_true(t >= last);
		last = t;
	}
	/* Its TSCs don't run together: still never back. */
	time_tsc_stable = false;
	last = time_now();
	for (unsigned int i = 0; i < 10000; i++) {
		s_time_t t;

		ht_tsc += (uint64_t)random() % 2000 - 1000;
		t = time_now();
		assert_true(t >= last);
		last = t;
	}
	time_tsc_stable = true;
	ht_tsc += 100000000;
}

/* ---- guests' clocks ------------------------------------------------------------------------ */

static uint64_t guest_time(const struct vcpu_time_info *t, uint64_t tsc)
{
	struct time_scale s = {t->tsc_to_system_mul, t->tsc_shift};

	return t->system_time + time_scale_apply(s, tsc - t->tsc_timestamp);
}

static void guest_clock(void **state)
{
	struct domain *d = ht_domain_new(1, 2, 127);
	struct vcpu_time_info *t = &d->vcpu[0]->vcpu_info->time;
	uint32_t version;

	for (unsigned int stable = 0; stable < 2; stable++) {
		time_tsc_stable = stable;
		for (unsigned int i = 0; i < 100; i++) {
			uint64_t tsc, ours;

			time_update_vcpu(d->vcpu[0]);
			assert_false(t->version & 1);
			assert_int_equal(t->flags, stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0);
			ht_tsc += (uint64_t)random();
			tsc = ht_tsc;
			ours = time_now_at_tsc(tsc);
			assert_in_range(guest_time(t, tsc), ours - 2, ours + 2);
		}
	}
	/* With a stable TSC nothing has to be told anew: not even the version. */
	version = t->version;
	time_update_vcpu(d->vcpu[0]);
	assert_int_equal(t->version, version);
	/* The guest wrote nonsense into it: it gets the truth again. */
	t->version |= 1;
	time_update_vcpu(d->vcpu[0]);
	assert_false(t->version & 1);
	t->tsc_to_system_mul = 5;
	time_update_vcpu(d->vcpu[0]);
	assert_in_range(guest_time(t, ht_tsc), time_now_at_tsc(ht_tsc) - 2,
			time_now_at_tsc(ht_tsc) + 2);
	ht_domain_dying(d);
	while (evtchn_destroy(d))
		;
	ht_domain_free(d);
}

static void wall_clock(void **state)
{
	struct domain *d = ht_domain_new(1, 1, 127);
	struct shared_info *s = d->shared_info;

	time_update_wallclock(d);
	assert_int_equal(s->wc_sec, 1700000000);
	assert_int_equal(s->wc_nsec, 0);
	assert_false(s->wc_version & 1);
	assert_true(time_wallclock_base() == 1700000000UL * 1000000000);
	/* As it was at a time: what is published is for time 0. */
	time_set_wallclock(0x123456789, 500, SECONDS(9) + 600);
	assert_int_equal(s->wc_sec_hi, 1);
	assert_int_equal(s->wc_sec, 0x23456789 - 10);
	assert_int_equal(s->wc_nsec, 999999900);
	d->time_offset_s = -3600;
	time_update_wallclock(d);
	assert_int_equal(s->wc_sec, 0x23456789 - 10 - 3600);
	ht_domain_dying(d);
	while (evtchn_destroy(d))
		;
	ht_domain_free(d);
}

/* ---- softirqs -------------------------------------------------------------------------------- */

static char order[16];

static void sched_fn(void)
{
	strcat(order, "s");
}

static void tasklet_fn(void)
{
	strcat(order, "t");
	if (strlen(order) < 4)
		softirq_raise(SOFTIRQ_SCHED);
}

static void softirqs(void **state)
{
	unsigned int before = ipis[2], here = ipis[0];

	softirq_set_handler(SOFTIRQ_SCHED, sched_fn);
	softirq_set_handler(SOFTIRQ_TASKLET, tasklet_fn);
	assert_false(softirq_pending(0));
	softirq_raise(SOFTIRQ_TASKLET);
	softirq_raise(SOFTIRQ_TASKLET);
	assert_true(softirq_pending(0));
	assert_false(softirq_pending(1));
	softirq_run();
	assert_string_equal(order, "ts"); /* once, and what it raised */
	assert_false(softirq_pending(0));
	/* Elsewhere: one IPI, not one each. */
	softirq_raise_cpu(2, SOFTIRQ_SCHED);
	softirq_raise_cpu(2, SOFTIRQ_SCHED);
	assert_int_equal(ipis[2], before + 1);
	order[0] = 0;
	softirq_run();
	assert_string_equal(order, "");
	run_cpu(2);
	assert_string_equal(order, "s");
	softirq_raise_cpu(0, SOFTIRQ_SCHED);
	assert_int_equal(ipis[0], here);
	run_cpu(0);
}

static int init(void **state)
{
	ht_machine_init();
	time_init();
	timers_init();
	for (unsigned int i = 0; i < HT_CPUS; i++)
		timer_init_cpu(i);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_random), cmocka_unit_test(timers_from_timers),
		cmocka_unit_test(timers_ipis),   cmocka_unit_test(scale_precision),
		cmocka_unit_test(monotonic),     cmocka_unit_test(guest_clock),
		cmocka_unit_test(wall_clock),    cmocka_unit_test(softirqs),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
