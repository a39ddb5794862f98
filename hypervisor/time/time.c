/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * System time from the TSC, and what guests are told of it.
 *
 * All CPUs share one scale and one origin: that is right when their TSCs run
 * together, which is checked as each CPU comes up (time_check_sync). If they
 * don't, time_now() is kept from going backwards by a global maximum, and guests
 * don't get the stable flag, so they do the same.
 *
 * Locks: wallclock_lock for the wall clock.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <arch/cpu.h>
#include <arch/timer.h>

bool time_tsc_stable = true;
uint64_t time_tsc_khz __ro_after_init;

static struct time_scale scale __ro_after_init;
static uint64_t tsc_origin __ro_after_init;
static s_time_t last_time;

static struct spinlock wallclock_lock = SPINLOCK_INIT(RANK_NONE);
static uint64_t wallclock_ns; /* at system time 0 */

struct time_scale time_scale_of(uint64_t khz)
{
	uint64_t hz = khz * 1000, ns = 1000000000;
	struct time_scale s = {.shift = 0};

	/* Bring the tick rate between 1 and 2 GHz, so that mul uses all of its 32 bits. */
	while (hz > 2 * ns) {
		hz >>= 1;
		s.shift--;
	}
	while (hz <= ns) {
		hz <<= 1;
		s.shift++;
	}
	s.mul = (uint32_t)((ns << 32) / hz);
	return s;
}

uint64_t time_scale_apply(struct time_scale s, uint64_t ticks)
{
	if (s.shift < 0)
		ticks >>= -s.shift;
	else
		ticks <<= s.shift;
	return (uint64_t)(((unsigned __int128)ticks * s.mul) >> 32);
}

s_time_t time_now(void)
{
	s_time_t now, last;

	if (!scale.mul)
		return 0;
	now = (s_time_t)time_scale_apply(scale, rdtsc() - tsc_origin);
	if (likely(time_tsc_stable))
		return now;
	last = __atomic_load_n(&last_time, __ATOMIC_RELAXED);
	while (now > last) {
		if (__atomic_compare_exchange_n(&last_time, &last, now, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return now;
	}
	return last;
}

uint64_t time_now_at_tsc(uint64_t tsc)
{
	return time_scale_apply(scale, tsc - tsc_origin);
}

void time_update_vcpu(struct vcpu *v)
{
	struct vcpu_time_info *t = &v->vcpu_info->time;
	uint32_t version = READ_ONCE(t->version);
	uint64_t tsc;

	/* One clock for all: the same numbers on every CPU, at any time. */
	if (time_tsc_stable && t->tsc_to_system_mul == scale.mul &&
	    t->tsc_timestamp == tsc_origin && !(version & 1) && t->tsc_shift == scale.shift)
		return;
	tsc = time_tsc_stable ? tsc_origin : rdtsc();
	WRITE_ONCE(t->version, version | 1);
	smp_wmb();
	t->tsc_timestamp = tsc;
	t->system_time = time_now_at_tsc(tsc);
	t->tsc_to_system_mul = scale.mul;
	t->tsc_shift = scale.shift;
	t->flags = time_tsc_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
	smp_wmb();
	WRITE_ONCE(t->version, (version | 1) + 1);
}

uint64_t time_wallclock_base(void)
{
	return READ_ONCE(wallclock_ns);
}

void time_update_wallclock(struct domain *d)
{
	struct shared_info *s = d->shared_info;
	uint64_t ns, sec;
	uint32_t version;

	spin_lock(&wallclock_lock);
	ns = wallclock_ns;
	version = READ_ONCE(s->wc_version) | 1;
	WRITE_ONCE(s->wc_version, version);
	smp_wmb();
	sec = ns / 1000000000 + (uint64_t)d->time_offset_s;
	s->wc_sec = (uint32_t)sec;
	s->wc_sec_hi = (uint32_t)(sec >> 32);
	s->wc_nsec = (uint32_t)(ns % 1000000000);
	smp_wmb();
	WRITE_ONCE(s->wc_version, version + 1);
	spin_unlock(&wallclock_lock);
}

void time_set_wallclock(uint64_t sec, uint32_t nsec, s_time_t at)
{
	struct domain *d;

	spin_lock(&wallclock_lock);
	wallclock_ns = sec * 1000000000 + nsec - (uint64_t)at;
	spin_unlock(&wallclock_lock);
	spin_lock(&domains_lock);
	for_each_domain (d) {
		if (d->shared_info)
			time_update_wallclock(d);
	}
	spin_unlock(&domains_lock);
}

void __init time_init(void)
{
	uint64_t apic_khz;

	arch_timer_calibrate(&time_tsc_khz, &apic_khz);
	scale = time_scale_of(time_tsc_khz);
	tsc_origin = rdtsc();
	wallclock_ns = arch_read_rtc() * 1000000000;
	pr_info("TSC at %lu.%03lu MHz, APIC timer at %lu.%03lu MHz\n", time_tsc_khz / 1000,
		time_tsc_khz % 1000, apic_khz / 1000, apic_khz % 1000);
}
