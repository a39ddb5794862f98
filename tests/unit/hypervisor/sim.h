/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A machine whose time is simulated, under the real scheduler, timers and softirqs:
 * HT_CPUS CPUs that run vCPUs which spin or run and sleep in turn. Nothing happens at
 * random but by the seed, so a run is the same each time.
 */
#ifndef TESTS_UNIT_SIM_H
#define TESTS_UNIT_SIM_H

#include <hv/domain.h>
#include <hosttest/machine.h>

#define SIM_VCPUS 64

struct sim_vcpu {
	struct vcpu *v;
	s_time_t run, sleep; /* runs that long, then sleeps that long; run 0: spins */
	s_time_t left; /* of the present run */
	s_time_t wake_at; /* STIME_MAX: not asleep */
	s_time_t woken_at; /* waits for a CPU since then; 0: doesn't */
	s_time_t ran; /* in all */
	s_time_t worst_wait, waits; /* for a CPU after waking */
	unsigned int nr_waits;
	unsigned int last_cpu, moves;
	bool polls; /* sleeps by SCHEDOP_poll instead of SCHEDOP_block */
	void (*on_run_end)(struct sim_vcpu *s); /* instead of sleeping */
};

extern s_time_t sim_now;
extern struct sim_vcpu sim_vcpus[SIM_VCPUS];
extern unsigned int sim_nr_vcpus, sim_cpus;
extern unsigned int sim_switches, sim_pokes, sim_ipis;
/* In the middle of each switch from a vCPU, before others may run it. */
extern void (*sim_in_switch)(struct vcpu *prev, struct vcpu *next);

/* A machine of @cpus CPUs without domains, at time 1 s. */
void sim_start(unsigned int cpus);
/* Takes all domains away; nothing may be left. */
void sim_stop(void);

/* A domain with @vcpus vCPUs, which spin. */
struct domain *sim_domain(unsigned int id, unsigned int vcpus, unsigned int weight);
struct sim_vcpu *sim_of(const struct vcpu *v);
/* From now on the vCPU runs and sleeps. */
void sim_sleeper(struct sim_vcpu *s, s_time_t run, s_time_t sleep);
void sim_weight(struct domain *d, unsigned int weight, unsigned int cap);
void sim_pin(struct vcpu *v, unsigned long hard, unsigned long soft);

/* Does what CPUs have to do, without time going on. */
void sim_settle(void);
void sim_run(s_time_t duration);
/* Time the domain's vCPUs ran since sim_mark(), in per cent of one CPU. */
void sim_mark(void);
double sim_share(const struct domain *d);
double sim_vcpu_share(const struct sim_vcpu *s);

#endif
