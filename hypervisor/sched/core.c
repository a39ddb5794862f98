/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The scheduler's core: states of vCPUs, pausing, waking, switching. Which vCPU
 * is next is the policy's decision (credit.c). See hv/sched.h.
 *
 * Locks: the run queue lock of a CPU protects the runstate, cpu and queue place of
 * the vCPUs whose cpu field names it. A vCPU that runs keeps `running` set until
 * its registers are its own again (sched_switched); no other CPU takes it before.
 */
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <arch/cpu.h>
#include <arch/runstate.h>

#include "sched.h"

DEFINE_PER_CPU(struct run_queue, run_queue);

const struct sched_ops *sched_policy __ro_after_init = &credit_ops;

/* Other policies' names are known; there is one behind all of them yet. */
static int __init parse_sched(const char *s)
{
	return strcmp(s, credit_ops.name) ? -EINVAL : 0;
}
CMDLINE_CUSTOM("sched", parse_sched, "credit");

/* ---- states -------------------------------------------------------------------------- */

static void set_runstate(struct vcpu *v, int state, s_time_t now)
{
	s_time_t delta = now - (s_time_t)v->runstate.state_entry_time;

	if (v->runstate.state == state)
		return;
	if (delta > 0) {
		v->runstate.time[v->runstate.state] += (uint64_t)delta;
		v->runstate.state_entry_time = (uint64_t)now;
	}
	v->runstate.state = state;
}

bool vcpu_is_runnable(const struct vcpu *v)
{
	return !READ_ONCE(v->pause_flags) && !READ_ONCE(v->pause_count) &&
	       !READ_ONCE(v->domain->pause_count);
}

static int idle_state(const struct vcpu *v)
{
	unsigned long waits = 1UL << VPF_blocked | 1UL << VPF_polling;

	return (READ_ONCE(v->pause_flags) & waits) && !v->pause_count && !v->domain->pause_count
		       ? RUNSTATE_blocked
		       : RUNSTATE_offline;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *ret)
{
	unsigned long flags;
	struct run_queue *rq = rq_lock_vcpu(v, &flags);
	s_time_t now = time_now();

	*ret = v->runstate;
	spin_unlock_irqrestore(&rq->lock, flags);
	if (now > (s_time_t)ret->state_entry_time)
		ret->time[ret->state] += (uint64_t)now - ret->state_entry_time;
}

uint64_t vcpu_cpu_time(struct vcpu *v)
{
	struct vcpu_runstate_info r;

	vcpu_runstate_get(v, &r);
	return r.time[RUNSTATE_running];
}

/* ---- locks ---------------------------------------------------------------------------- */

struct run_queue *rq_lock_vcpu(struct vcpu *v, unsigned long *flags)
{
	for (;;) {
		unsigned int cpu = READ_ONCE(v->cpu);
		struct run_queue *rq = &per_cpu(run_queue, cpu);

		*flags = spin_lock_irqsave(&rq->lock);
		if (v->cpu == cpu)
			return rq;
		spin_unlock_irqrestore(&rq->lock, *flags);
	}
}

/* ---- waking and sleeping ------------------------------------------------------------------ */

/* Moves a vCPU that neither runs nor queues to the CPU where it should queue. */
static void place(struct vcpu *v)
{
	unsigned int cpu = sched_policy->choose_cpu(v);
	unsigned long flags;
	struct run_queue *rq;

	if (cpu == READ_ONCE(v->cpu))
		return;
	rq = rq_lock_vcpu(v, &flags);
	if (!v->queued && !v->running)
		WRITE_ONCE(v->cpu, cpu);
	spin_unlock_irqrestore(&rq->lock, flags);
}

void vcpu_wake(struct vcpu *v)
{
	unsigned long flags;
	struct run_queue *rq;

	if (is_idle_vcpu(v) || !vcpu_is_runnable(v))
		return;
	if (!v->queued && !v->running)
		place(v);
	rq = rq_lock_vcpu(v, &flags);
	/* One that is just being switched out sees that it is runnable when it is off. */
	if (vcpu_is_runnable(v) && !v->running && !v->queued) {
		set_runstate(v, RUNSTATE_runnable, time_now());
		sched_policy->wake(v);
	}
	spin_unlock_irqrestore(&rq->lock, flags);
}

void vcpu_sleep_nosync(struct vcpu *v)
{
	unsigned long flags;
	struct run_queue *rq = rq_lock_vcpu(v, &flags);

	if (!vcpu_is_runnable(v)) {
		if (v->running) {
			softirq_raise_cpu(v->cpu, SOFTIRQ_SCHED);
		} else {
			if (v->queued)
				sched_policy->sleep(v);
			set_runstate(v, idle_state(v), time_now());
		}
	}
	spin_unlock_irqrestore(&rq->lock, flags);
}

void vcpu_sleep_sync(struct vcpu *v)
{
	vcpu_sleep_nosync(v);
	while (!vcpu_is_runnable(v) && __atomic_load_n(&v->running, __ATOMIC_ACQUIRE))
		cpu_relax();
	if (!is_idle_vcpu(v))
		arch_vcpu_sync(v);
}

void vcpu_block(struct vcpu *v)
{
	set_bit(VPF_blocked, &v->pause_flags);
	/* An event that came before the bit was set would wake nobody. */
	if (arch_vcpu_event_deliverable(v)) {
		clear_bit(VPF_blocked, &v->pause_flags);
		return;
	}
	softirq_raise(SOFTIRQ_SCHED);
}

void vcpu_poll_wake(struct vcpu *v)
{
	if (test_and_clear_bit(v->id, v->domain->poll_mask)) {
		clear_bit(VPF_polling, &v->pause_flags);
		vcpu_wake(v);
	}
}

void vcpu_kick(struct vcpu *v)
{
	if (test_and_clear_bit(VPF_blocked, &v->pause_flags)) {
		vcpu_wake(v);
		return;
	}
	/* An event that it would take ends its SCHEDOP_poll, whatever ports that is for. */
	if (test_bit(v->id, v->domain->poll_mask) && arch_vcpu_event_deliverable(v)) {
		vcpu_poll_wake(v);
		return;
	}
	/* In the guest on another CPU: an interrupt brings it through the exit path. */
	if (READ_ONCE(v->running) && v->cpu != smp_processor_id())
		arch_cpu_poke(v->cpu);
}

/* ---- pausing -------------------------------------------------------------------------------- */

void vcpu_pause_nosync(struct vcpu *v)
{
	__atomic_add_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST);
	vcpu_sleep_nosync(v);
}

void vcpu_pause(struct vcpu *v)
{
	ASSERT(v != current);
	__atomic_add_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST);
	vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
	if (!__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST))
		vcpu_wake(v);
}

void domain_pause_nosync(struct domain *d)
{
	struct vcpu *v;

	__atomic_add_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
	for_each_vcpu (d, v)
		vcpu_sleep_nosync(v);
}

void domain_pause(struct domain *d)
{
	struct vcpu *v;

	ASSERT(d != current->domain);
	domain_pause_nosync(d);
	for_each_vcpu (d, v)
		vcpu_sleep_sync(v);
}

void domain_unpause(struct domain *d)
{
	struct vcpu *v;

	if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST))
		return;
	for_each_vcpu (d, v)
		vcpu_wake(v);
}

/* ---- switching -------------------------------------------------------------------------------- */

static void stop_running(struct vcpu *prev, s_time_t now)
{
	if (is_idle_vcpu(prev)) {
		set_runstate(prev, RUNSTATE_runnable, now);
		return;
	}
	sched_policy->charge(prev, now);
	if (!vcpu_is_runnable(prev)) {
		set_runstate(prev, idle_state(prev), now);
		return;
	}
	set_runstate(prev, RUNSTATE_runnable, now);
	sched_policy->put_back(prev);
}

static void slice_over(void *data)
{
	softirq_raise(SOFTIRQ_SCHED);
}

void schedule(void)
{
	unsigned int cpu = smp_processor_id();
	struct run_queue *rq = &this_cpu(run_queue);
	struct vcpu *prev = current, *next;
	s_time_t now = time_now(), slice = -1;

	local_irq_disable();
	spin_lock(&rq->lock);
	stop_running(prev, now);
	next = sched_policy->pick(cpu, now, &slice);
	WRITE_ONCE(next->cpu, cpu);
	next->running = true;
	set_runstate(next, RUNSTATE_running, now);
	rq->curr = next;
	rq->since = now;
	/* Before others see the queue: they may want to cut the slice short. */
	if (slice >= 0)
		timer_set(&rq->slice_timer, now + slice);
	else
		timer_stop(&rq->slice_timer);
	spin_unlock(&rq->lock);
	local_irq_enable();

	if (next == prev) {
		arch_runstate_enter(next);
		return;
	}
	/* Its registers may be on another CPU still. */
	if (!is_idle_vcpu(next) && next->arch.loaded_cpu != NO_CPU && next->arch.loaded_cpu != cpu)
		arch_vcpu_sync(next);
	local_irq_disable();
	arch_context_switch(prev, next);
}

/*
 * Runs on the way out of @prev: its state is safe. Who wakes it makes it runnable first
 * and then looks whether it runs; here it is the other way round, with a full barrier
 * between the two, so that one of both queues it. (S1)
 */
void sched_switched(struct vcpu *prev)
{
	__atomic_store_n(&prev->running, false, __ATOMIC_SEQ_CST);
	/* Woken, or not put back because this CPU is not for it any more. */
	if (!is_idle_vcpu(prev) && !READ_ONCE(prev->queued))
		vcpu_wake(prev);
}

void idle_loop(void)
{
	for (;;) {
		local_irq_enable();
		softirq_run();
		local_irq_disable();
		if (!softirq_pending(smp_processor_id()))
			__asm__ volatile("sti; hlt" ::: "memory");
	}
}

/* ---- affinity and life cycle --------------------------------------------------------------------- */

int sched_set_affinity(struct vcpu *v, struct cpumask hard, struct cpumask soft)
{
	unsigned long flags;
	struct run_queue *rq;
	bool move;

	if (cpumask_empty(cpumask_and(hard, cpu_online_map)))
		return -EINVAL;
	rq = rq_lock_vcpu(v, &flags);
	v->hard_affinity = hard;
	v->soft_affinity = soft;
	move = !cpumask_test(v->cpu, &hard);
	if (move && v->queued)
		sched_policy->sleep(v);
	if (move && v->running)
		softirq_raise_cpu(v->cpu, SOFTIRQ_SCHED);
	spin_unlock_irqrestore(&rq->lock, flags);
	if (move)
		vcpu_wake(v);
	return 0;
}

int sched_init_domain(struct domain *d)
{
	return sched_policy->init_domain(d);
}

void sched_fini_domain(struct domain *d)
{
	sched_policy->fini_domain(d);
}

int sched_init_vcpu(struct vcpu *v, unsigned int cpu)
{
	v->cpu = cpu;
	v->hard_affinity = v->soft_affinity = CPUMASK_ALL;
	v->runstate.state = is_idle_vcpu(v) ? RUNSTATE_running : RUNSTATE_offline;
	v->runstate.state_entry_time = (uint64_t)time_now();
	if (is_idle_vcpu(v)) {
		v->running = true;
		v->hard_affinity = cpumask_of(cpu);
		return 0;
	}
	return sched_policy->init_vcpu(v);
}

void sched_fini_vcpu(struct vcpu *v)
{
	if (!is_idle_vcpu(v))
		sched_policy->fini_vcpu(v);
}

static struct vcpu *make_idle_vcpu(unsigned int cpu)
{
	struct vcpu *v;

	if (vcpu_create(idle_domain, cpu, cpu))
		panic("No memory for the idle vCPU of CPU %u", cpu);
	v = idle_domain->vcpu[cpu];
	clear_bit(VPF_down, &v->pause_flags);
	return v;
}

void sched_init_cpu(unsigned int cpu)
{
	struct run_queue *rq = &per_cpu(run_queue, cpu);

	spin_lock_init(&rq->lock, RANK_SCHED);
	list_init(&rq->queue);
	timer_init(&rq->slice_timer, slice_over, NULL, cpu);
	rq->idle = make_idle_vcpu(cpu);
	rq->curr = rq->idle;
	sched_policy->init_cpu(cpu);
}

struct vcpu *sched_idle_vcpu(unsigned int cpu)
{
	return per_cpu(run_queue, cpu).idle;
}

void __init sched_init(void)
{
	softirq_set_handler(SOFTIRQ_SCHED, schedule);
	sched_init_cpu(0);
}
