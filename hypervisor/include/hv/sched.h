/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Scheduling: which vCPU runs where. The core keeps the state of each vCPU and
 * does the switching; a policy (struct sched_ops) only orders run queues.
 *
 *   runstate    meaning                         leaves by
 *   running     on a CPU                        preempted, blocks, paused
 *   runnable    in a run queue                  chosen
 *   blocked     waits for an event              event, timer
 *   offline     down or paused                  up, unpause
 *
 * A vCPU is runnable when pause_flags and pause_count are zero. Locks: the run
 * queue lock of the vCPU's CPU (RANK_SCHED), interrupts off.
 */
#ifndef HV_SCHED_H
#define HV_SCHED_H

#include <hv/cpumask.h>
#include <hv/types.h>
#include <public/sched.h>
#include <public/vcpu.h>

struct domain;
struct vcpu;
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;

/* vcpu.pause_flags */
#define VPF_blocked 0 /* waits for an event */
#define VPF_down    1 /* not brought up, or taken down */
#define VPF_polling 2 /* in SCHEDOP_poll */

/* What a scheduling policy does. All are called with the run queue locked. */
struct sched_ops {
	const char *name; /* of `sched=` */
	const char *full_name;
	unsigned int id; /* XEN_SCHEDULER_* */

	void (*init_cpu)(unsigned int cpu);
	int (*init_domain)(struct domain *d);
	void (*fini_domain)(struct domain *d);
	int (*init_vcpu)(struct vcpu *v);
	void (*fini_vcpu)(struct vcpu *v);

	/* @v became runnable; into its CPU's queue. Kicks the CPU if @v should run now. */
	void (*wake)(struct vcpu *v);
	/* @v is runnable no longer. */
	void (*sleep)(struct vcpu *v);
	void (*yield)(struct vcpu *v);
	/* The next vCPU of @cpu (never NULL: the idle one) and for how long, in ns (<0: no limit). */
	struct vcpu *(*pick)(unsigned int cpu, s_time_t now, s_time_t *ret_slice);
	/* @v has run since run_queue.since. */
	void (*charge)(struct vcpu *v, s_time_t now);
	/* @v stops running and is still runnable: back into this CPU's queue if it may. */
	void (*put_back)(struct vcpu *v);
	/* Which CPU @v should queue on. */
	unsigned int (*choose_cpu)(struct vcpu *v);

	int (*domain_params)(struct domain *d, struct xen_domctl_scheduler_op *op);
	int (*global_params)(struct xen_sysctl_scheduler_op *op);
	void (*dump_cpu)(unsigned int cpu);
};

void sched_init(void); /* boot CPU; chooses the policy by name */
void sched_init_cpu(unsigned int cpu);
extern const struct sched_ops *sched_policy;

int sched_init_domain(struct domain *d);
void sched_fini_domain(struct domain *d);
int sched_init_vcpu(struct vcpu *v, unsigned int cpu);
void sched_fini_vcpu(struct vcpu *v);

/* Makes @v runnable if nothing holds it any more. Any context. */
void vcpu_wake(struct vcpu *v);
/* @v waits for an event; wakes at once if there is one. */
void vcpu_block(struct vcpu *v);
/* An event arrived for @v. */
void vcpu_kick(struct vcpu *v);
/*
 * @v's port (or timeout) came: takes it out of domain.poll_mask and SCHEDOP_poll.
 * Nothing if it isn't there (any more). Any context, port locks held.
 */
void vcpu_poll_wake(struct vcpu *v);

/* Counted pauses. _sync: it has left its CPU, and its state is saved, on return. */
void vcpu_pause(struct vcpu *v); /* sync: see vcpu_sleep_sync() */
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void domain_pause(struct domain *d); /* sync; not from one of its own vCPUs */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);

/* @v's flags keep it from running: it goes off its CPU soon; _sync: it has, on return. */
void vcpu_sleep_nosync(struct vcpu *v);
/*
 * Never for one vCPU on behalf of another of the same guest: while we wait, that may
 * be waiting for us (S3).
 */
void vcpu_sleep_sync(struct vcpu *v);

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *ret);
uint64_t vcpu_cpu_time(struct vcpu *v); /* ns spent running */

int sched_set_affinity(struct vcpu *v, struct cpumask hard, struct cpumask soft);

/* An interrupt for its own sake: has the CPU look at what is pending. */
void arch_cpu_poke(unsigned int cpu);

/* The idle vCPU of a CPU. */
struct vcpu *sched_idle_vcpu(unsigned int cpu);

/* arch_context_switch has left @prev's state behind: others may run it now. */
void sched_switched(struct vcpu *prev);

/* Where SOFTIRQ_SCHED ends up; the idle loop of a CPU. */
void schedule(void);
__noreturn void idle_loop(void);

long do_sched_op(int cmd, uint64_t arg);
long do_set_timer_op(s_time_t timeout);

#endif
