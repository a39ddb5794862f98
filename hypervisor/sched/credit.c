/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The credit policy: CPU time in proportion to domains' weights, within caps (S1).
 *
 * Each vCPU has a virtual time that advances while it runs, the slower the more
 * weight it has; a domain's weight is shared by those of its vCPUs that want to
 * run. A queue is in the order of virtual time, and the least advanced runs. One
 * that was away joins at the queue's present (less a bonus), and runs next if it was
 * no further: soon after an event, however many others spin.
 *
 * Each queue has a present: how far its least advanced has come. Presents of all
 * CPUs advance together: a CPU takes the head of another's queue when that is further
 * behind than its own by more than a slice, or when it has none, and one that has more
 * than it can run calls an idle one. So shares hold across CPUs, and no CPU idles
 * while one queues.
 *
 * Presents come apart all the same, when a CPU idles or where one is alone with a
 * weight that it can't use up or live on. Two rules keep that harmless. A vCPU that
 * wakes on another CPU, or is taken to a queue whose present is further away than
 * CLOCK_LEAD, keeps its distance from the present (up to CLOCK_LEAD), not its virtual
 * time: neither it nor those there pay for what is long past. And one that is alone isn't let fall behind
 * the queues of others by more than that.
 *
 * A cap limits a domain to so many percent of one CPU, counted over periods;
 * above it, its vCPUs are parked until the period is over.
 *
 * Locks: as in core.c; the domain's numbers by atomics, its period by the timer.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <hv/time.h>
#include <public/domctl.h>
#include <public/sysctl.h>
#include <arch/cpu.h>

#include "sched.h"

#define DEFAULT_WEIGHT        256
#define CONTROL_DOMAIN_WEIGHT 1024
#define MAX_WEIGHT            65535
#define CAP_PERIOD            MILLISECS(30)
/* How much earlier than the present one may join that was away. */
#define WAKE_BONUS            MILLISECS(5)
#define CLOCK_LEAD            MILLISECS(100)
#define CLOCK_START           (1UL << 40) /* so that differences don't wrap */
/* One that is alone looks round for others that wait, at least so many slices apart. */
#define ALONE_SLICES          3

static unsigned int tslice_ms = 10;
static unsigned int ratelimit_us = 1000;
static unsigned int migr_delay_us;

struct credit_domain {
	struct domain *domain;
	uint32_t weight, cap;
	int active; /* vCPUs that run or queue */
	/* The cap's period */
	int64_t used;
	struct timer period_timer;
};

struct credit_vcpu {
	struct vcpu *vcpu;
	struct list_head link;
	uint64_t vtime;
	unsigned int clock; /* the CPU by whose present vtime counts */
	s_time_t ran_until; /* when it last left a CPU */
	bool counted; /* in domain.active */
	bool woken; /* has used less than others, and hasn't run since it woke */
	bool parked;
};

static struct credit_vcpu *cv(const struct vcpu *v)
{
	return v->sched_priv;
}

static struct credit_domain *cd(const struct domain *d)
{
	return d->sched_priv;
}

static uint64_t weighted(const struct vcpu *v, s_time_t ran)
{
	const struct credit_domain *d = cd(v->domain);
	uint64_t active = (uint64_t)max(READ_ONCE(d->active), 1);

	return (uint64_t)ran * DEFAULT_WEIGHT * active / READ_ONCE(d->weight);
}

static void count_active(struct credit_vcpu *c, bool active)
{
	if (c->counted == active)
		return;
	c->counted = active;
	__atomic_add_fetch(&cd(c->vcpu->domain)->active, active ? 1 : -1, __ATOMIC_RELAXED);
}

/* ---- the queue -------------------------------------------------------------------------- */

static void note_head(struct run_queue *rq)
{
	WRITE_ONCE(rq->head_vtime,
		   list_empty(&rq->queue)
			   ? UINT64_MAX
			   : list_first_entry(&rq->queue, struct credit_vcpu, link)->vtime);
}

static void enqueue(struct run_queue *rq, struct credit_vcpu *c)
{
	struct credit_vcpu *pos;

	list_for_each_entry (pos, &rq->queue, link) {
		if (pos->vtime > c->vtime)
			break;
	}
	list_add_tail(&c->link, &pos->link);
	c->vcpu->queued = true;
	rq->length++;
	note_head(rq);
}

static void dequeue(struct run_queue *rq, struct credit_vcpu *c)
{
	list_del(&c->link);
	c->vcpu->queued = false;
	rq->length--;
	note_head(rq);
}

/* ---- the present ------------------------------------------------------------------------- */

/* How far who runs there has come by now. */
static uint64_t running_vtime(const struct run_queue *rq, s_time_t now)
{
	return cv(rq->curr)->vtime + weighted(rq->curr, max(now - rq->since, (s_time_t)0));
}

/*
 * Advances the present to the least advanced, and returns how far that is: less than
 * the present where one has come from another queue.
 */
static uint64_t update_present(struct run_queue *rq, s_time_t now)
{
	uint64_t t = rq->head_vtime;

	if (rq->curr != rq->idle)
		t = min(t, running_vtime(rq, now));
	if (t > rq->min_vtime && t != UINT64_MAX)
		WRITE_ONCE(rq->min_vtime, t);
	return min(t, rq->min_vtime);
}

/* @c comes to the CPU's queue, which is locked. @waited: in another queue until now. */
static void change_clock(struct credit_vcpu *c, unsigned int cpu, bool waited)
{
	uint64_t here = per_cpu(run_queue, cpu).min_vtime;
	uint64_t there = READ_ONCE(per_cpu(run_queue, c->clock).min_vtime);
	int64_t apart = (int64_t)(here - there), ahead = (int64_t)(c->vtime - there);

	if (c->clock == cpu)
		return;
	c->clock = cpu;
	if (waited && apart >= -CLOCK_LEAD && apart <= CLOCK_LEAD)
		return;
	ahead = max(min(ahead, CLOCK_LEAD), -CLOCK_LEAD);
	c->vtime = here + (uint64_t)ahead;
}

/* ---- caps -------------------------------------------------------------------------------- */

static bool over_cap(const struct credit_domain *d)
{
	uint32_t cap = READ_ONCE(d->cap);

	return cap && READ_ONCE(d->used) >= (int64_t)(CAP_PERIOD / 100 * cap);
}

/*
 * Its domain has had its share: it waits for the next period. Who begins that, or takes
 * the cap away, and wakes those who wait, may have looked before it was one of them.
 */
static bool park(struct credit_vcpu *c)
{
	const struct credit_domain *d = cd(c->vcpu->domain);

	if (likely(!over_cap(d)))
		return false;
	__atomic_store_n(&c->parked, true, __ATOMIC_SEQ_CST);
	if (over_cap(d))
		return true;
	c->parked = false;
	return false;
}

static void period_over(void *data)
{
	struct credit_domain *d = data;
	int64_t budget = (int64_t)(CAP_PERIOD / 100 * d->cap);
	int64_t left = READ_ONCE(d->used);
	struct vcpu *v;

	/* What was used too much counts against the next period. */
	__atomic_sub_fetch(&d->used, min(left, budget), __ATOMIC_SEQ_CST);
	if (d->cap && left > 0)
		timer_set(&d->period_timer, time_now() + CAP_PERIOD);
	if (over_cap(d))
		return;
	for_each_vcpu (d->domain, v) {
		struct credit_vcpu *c = cv(v);

		if (c && c->parked) {
			c->parked = false;
			vcpu_wake(v);
		}
	}
}

/* ---- the policy's functions ---------------------------------------------------------------- */

static void credit_charge(struct vcpu *v, s_time_t now)
{
	struct run_queue *rq = &this_cpu(run_queue);
	struct credit_domain *d = cd(v->domain);
	struct credit_vcpu *c = cv(v);
	s_time_t ran = max(now - rq->since, (s_time_t)0);

	c->vtime += weighted(v, ran);
	c->ran_until = now;
	rq->since = now;
	if (READ_ONCE(d->cap)) {
		__atomic_add_fetch(&d->used, ran, __ATOMIC_RELAXED);
		if (!timer_is_armed(&d->period_timer))
			timer_set(&d->period_timer, now + CAP_PERIOD);
	}
	if (!vcpu_is_runnable(v))
		count_active(c, false);
}

/* @c has come to the queue: the CPU should look, now or later. */
static void ask_for_cpu(struct run_queue *rq, unsigned int cpu, const struct credit_vcpu *c,
			s_time_t now)
{
	s_time_t when = now;

	if (rq->curr != rq->idle) {
		if (c->woken || c->vtime < running_vtime(rq, now))
			when = rq->since + MICROSECS(ratelimit_us);
		else if (rq->length == 1) /* who runs has thought he was alone */
			when = rq->since + MILLISECS(tslice_ms);
		else
			return;
	}
	if (when <= now)
		softirq_raise_cpu(cpu, SOFTIRQ_SCHED);
	else
		timer_set(&rq->slice_timer, when);
}

static void credit_wake(struct vcpu *v)
{
	struct run_queue *rq = &per_cpu(run_queue, v->cpu);
	struct credit_vcpu *c = cv(v);
	s_time_t now = time_now();
	uint64_t least;

	if (park(c))
		return;
	count_active(c, true);
	least = update_present(rq, now);
	change_clock(c, v->cpu, false);
	c->vtime = max(c->vtime, least - WAKE_BONUS);
	c->woken = c->vtime <= rq->min_vtime;
	enqueue(rq, c);
	ask_for_cpu(rq, v->cpu, c, now);
}

static void credit_sleep(struct vcpu *v)
{
	dequeue(&per_cpu(run_queue, v->cpu), cv(v));
	count_active(cv(v), false);
}

static void credit_put_back(struct vcpu *v)
{
	struct run_queue *rq = &this_cpu(run_queue);
	struct credit_vcpu *c = cv(v);

	if (park(c)) {
		count_active(c, false);
		return;
	}
	if (!cpumask_test(smp_processor_id(), &v->hard_affinity))
		return; /* sched_switched() finds another place for it */
	if (v->yielded) {
		/* Behind whoever is next. */
		v->yielded = false;
		if (!list_empty(&rq->queue))
			c->vtime = max(c->vtime, rq->head_vtime + 1);
	}
	enqueue(rq, c);
}

/* The CPU of the mask whose queue has the head that is furthest behind, if before @limit. */
static unsigned int find_victim(struct cpumask mask, uint64_t limit)
{
	unsigned int cpu, victim = MAX_CPUS;

	for_each_cpu (cpu, mask) {
		uint64_t t = READ_ONCE(per_cpu(run_queue, cpu).head_vtime);

		if (t < limit) {
			limit = t;
			victim = cpu;
		}
	}
	return victim;
}

static bool may_take(const struct credit_vcpu *c, unsigned int cpu, s_time_t now)
{
	return !c->vcpu->running && cpumask_test(cpu, &c->vcpu->hard_affinity) &&
	       now - c->ran_until >= MICROSECS(migr_delay_us);
}

static struct credit_vcpu *steal_from(unsigned int victim, unsigned int me, uint64_t limit,
				      s_time_t now)
{
	struct run_queue *rq = &per_cpu(run_queue, victim);
	struct credit_vcpu *c, *found = NULL;

	/* Never wait for another queue while holding one. */
	if (!spin_trylock(&rq->lock))
		return NULL;
	list_for_each_entry (c, &rq->queue, link) {
		if (c->vtime >= limit)
			break;
		if (may_take(c, me, now)) {
			found = c;
			break;
		}
	}
	if (found) {
		dequeue(rq, found);
		/* Others look for it under the lock of its CPU: that is ours from here on. */
		WRITE_ONCE(found->vcpu->cpu, me);
	}
	spin_unlock(&rq->lock);
	return found;
}

/* One from another CPU's queue that has not come as far as @limit. */
static struct credit_vcpu *steal(unsigned int me, uint64_t limit, s_time_t now)
{
	struct cpumask others = cpumask_and(cpu_online_map, (struct cpumask){~(1UL << me)});
	struct credit_vcpu *c;
	unsigned int victim;

	while ((victim = find_victim(others, limit)) < MAX_CPUS) {
		c = steal_from(victim, me, limit, now);
		if (c) {
			change_clock(c, me, true);
			return c;
		}
		cpumask_clear(victim, &others);
	}
	return NULL;
}

static bool cpu_is_idle(unsigned int cpu)
{
	struct run_queue *rq = &per_cpu(run_queue, cpu);

	return READ_ONCE(rq->curr) == rq->idle && !READ_ONCE(rq->length);
}

static struct cpumask idle_cpus(struct cpumask mask)
{
	struct cpumask idle = CPUMASK_NONE;
	unsigned int cpu;

	for_each_cpu (cpu, mask)
		idle.bits |= (unsigned long)cpu_is_idle(cpu) << cpu;
	return idle;
}

/* Calls a CPU that has nothing to do, if it may run one that waits here. */
static void offer_queue(const struct run_queue *rq, unsigned int me)
{
	struct cpumask idle = idle_cpus(cpu_online_map);
	struct credit_vcpu *c;

	idle.bits &= ~(1UL << me);
	if (cpumask_empty(idle))
		return;
	list_for_each_entry (c, &rq->queue, link) {
		struct cpumask m = cpumask_and(idle, c->vcpu->hard_affinity);

		if (!cpumask_empty(m)) {
			softirq_raise_cpu(cpumask_first(m), SOFTIRQ_SCHED);
			return;
		}
	}
}

/* Alone here: the present isn't let fall far behind that of CPUs where some wait. */
static void keep_up(struct credit_vcpu *c, unsigned int me)
{
	struct cpumask others = cpumask_and(cpu_online_map, (struct cpumask){~(1UL << me)});
	unsigned int least = find_victim(others, UINT64_MAX);
	uint64_t t;

	if (least == MAX_CPUS)
		return;
	t = READ_ONCE(per_cpu(run_queue, least).head_vtime);
	if (t != UINT64_MAX)
		c->vtime = max(c->vtime, t - CLOCK_LEAD);
}

/*
 * The one of all queues that is due here. First who has woken and isn't ahead of the
 * present, even if one that came from another queue is further behind.
 */
static struct credit_vcpu *take_next(struct run_queue *rq, unsigned int cpu, s_time_t now)
{
	struct credit_vcpu *head = NULL, *c;
	uint64_t limit = UINT64_MAX;

	list_for_each_entry (c, &rq->queue, link) {
		if (c->woken) {
			c->woken = false;
			dequeue(rq, c);
			return c;
		}
	}
	if (!list_empty(&rq->queue)) {
		head = list_first_entry(&rq->queue, struct credit_vcpu, link);
		limit = head->vtime - (uint64_t)MILLISECS(tslice_ms);
	}
	c = steal(cpu, limit, now);
	if (!c && head) {
		c = head;
		dequeue(rq, c);
	}
	if (c)
		c->woken = false;
	return c;
}

static struct vcpu *credit_pick(unsigned int cpu, s_time_t now, s_time_t *ret_slice)
{
	struct run_queue *rq = &per_cpu(run_queue, cpu);
	struct credit_vcpu *c = take_next(rq, cpu, now);

	if (!c) {
		*ret_slice = -1;
		return rq->idle;
	}
	*ret_slice = MILLISECS(tslice_ms);
	if (list_empty(&rq->queue)) {
		keep_up(c, cpu);
		if (!READ_ONCE(cd(c->vcpu->domain)->cap))
			*ret_slice *= ALONE_SLICES;
	} else {
		offer_queue(rq, cpu);
	}
	WRITE_ONCE(rq->min_vtime, max(rq->min_vtime, c->vtime));
	return c->vcpu;
}

static void credit_yield(struct vcpu *v)
{
	v->yielded = true;
}

static unsigned int least_loaded(struct cpumask mask)
{
	unsigned int cpu, best = cpumask_first(mask);

	for_each_cpu (cpu, mask) {
		if (per_cpu(run_queue, cpu).length < per_cpu(run_queue, best).length)
			best = cpu;
	}
	return best;
}

/*
 * One that idles, if possible among those that it would rather run on, or else the
 * one with the shortest queue; where it was before, if that is as good.
 */
static unsigned int credit_choose_cpu(struct vcpu *v)
{
	struct cpumask hard = cpumask_and(v->hard_affinity, cpu_online_map);
	struct cpumask soft = cpumask_and(hard, v->soft_affinity), m;
	unsigned int best;

	if (cpumask_empty(soft))
		soft = hard;
	m = idle_cpus(soft);
	if (cpumask_empty(m))
		m = idle_cpus(hard);
	if (!cpumask_empty(m))
		return cpumask_test(v->cpu, &m) ? v->cpu : cpumask_first(m);
	best = least_loaded(soft);
	if (cpumask_test(v->cpu, &soft) &&
	    per_cpu(run_queue, v->cpu).length <= per_cpu(run_queue, best).length)
		best = v->cpu;
	return best;
}

static void credit_init_cpu(unsigned int cpu)
{
	per_cpu(run_queue, cpu).head_vtime = UINT64_MAX;
	per_cpu(run_queue, cpu).min_vtime = CLOCK_START;
}

static int credit_init_domain(struct domain *d)
{
	struct credit_domain *c = hv_zalloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->domain = d;
	c->weight = is_control_domain(d) ? CONTROL_DOMAIN_WEIGHT : DEFAULT_WEIGHT;
	timer_init(&c->period_timer, period_over, c, 0);
	d->sched_priv = c;
	return 0;
}

static void credit_fini_domain(struct domain *d)
{
	if (!d->sched_priv)
		return;
	timer_kill(&cd(d)->period_timer);
	hv_free(d->sched_priv);
	d->sched_priv = NULL;
}

static int credit_init_vcpu(struct vcpu *v)
{
	struct credit_vcpu *c = hv_zalloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->vcpu = v;
	c->clock = v->cpu;
	list_init(&c->link);
	v->sched_priv = c;
	return 0;
}

static void credit_fini_vcpu(struct vcpu *v)
{
	hv_free(v->sched_priv);
	v->sched_priv = NULL;
}

static int credit_domain_params(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	struct credit_domain *c = cd(d);

	if (op->cmd == XEN_DOMCTL_SCHEDOP_getinfo) {
		op->u.credit.weight = (uint16_t)c->weight;
		op->u.credit.cap = (uint16_t)c->cap;
		return 0;
	}
	if (op->cmd != XEN_DOMCTL_SCHEDOP_putinfo)
		return -EINVAL;
	/* As in Xen: weight 0 and cap 65535 leave things as they are. */
	if (op->u.credit.cap != 0xffff && op->u.credit.cap > 100 * d->max_vcpus)
		return -EINVAL;
	if (op->u.credit.weight)
		WRITE_ONCE(c->weight, op->u.credit.weight);
	if (op->u.credit.cap != 0xffff) {
		WRITE_ONCE(c->cap, op->u.credit.cap);
		/* A cap that is gone frees those it held. */
		if (!c->cap) {
			c->used = 0;
			period_over(c);
		}
	}
	return 0;
}

static int credit_global_params(struct xen_sysctl_scheduler_op *op)
{
	struct xen_sysctl_credit_schedule *p = &op->u.sched_credit;

	if (op->cmd == XEN_SYSCTL_SCHEDOP_putinfo) {
		if (p->tslice_ms < XEN_SYSCTL_CSCHED_TSLICE_MIN ||
		    p->tslice_ms > XEN_SYSCTL_CSCHED_TSLICE_MAX ||
		    (p->ratelimit_us && (p->ratelimit_us < XEN_SYSCTL_SCHED_RATELIMIT_MIN ||
					 p->ratelimit_us > XEN_SYSCTL_SCHED_RATELIMIT_MAX)) ||
		    p->ratelimit_us > p->tslice_ms * 1000 ||
		    p->vcpu_migr_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US)
			return -EINVAL;
		tslice_ms = p->tslice_ms;
		ratelimit_us = p->ratelimit_us;
		migr_delay_us = p->vcpu_migr_delay_us;
	}
	p->tslice_ms = tslice_ms;
	p->ratelimit_us = ratelimit_us;
	p->vcpu_migr_delay_us = migr_delay_us;
	return 0;
}

static void credit_dump_cpu(unsigned int cpu)
{
	struct run_queue *rq = &per_cpu(run_queue, cpu);
	struct credit_vcpu *c;
	unsigned long flags = spin_lock_irqsave(&rq->lock);

	pr_info("CPU %u runs d%uv%u, virtual time %lu, %u queue:\n", cpu, rq->curr->domain->id,
		rq->curr->id, rq->min_vtime, rq->length);
	list_for_each_entry (c, &rq->queue, link)
		pr_info("  d%uv%u at %lu\n", c->vcpu->domain->id, c->vcpu->id, c->vtime);
	spin_unlock_irqrestore(&rq->lock, flags);
}

const struct sched_ops credit_ops = {
	.name = "credit",
	.full_name = "credit: weighted fair shares with caps",
	.id = XEN_SCHEDULER_CREDIT,
	.init_cpu = credit_init_cpu,
	.init_domain = credit_init_domain,
	.fini_domain = credit_fini_domain,
	.init_vcpu = credit_init_vcpu,
	.fini_vcpu = credit_fini_vcpu,
	.wake = credit_wake,
	.sleep = credit_sleep,
	.yield = credit_yield,
	.charge = credit_charge,
	.put_back = credit_put_back,
	.pick = credit_pick,
	.choose_cpu = credit_choose_cpu,
	.domain_params = credit_domain_params,
	.global_params = credit_global_params,
	.dump_cpu = credit_dump_cpu,
};
