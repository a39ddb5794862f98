/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ports: where their structs live, which are free, and raising an event.
 *
 * domain.evtchn_groups is a table of three levels: groups of buckets of ports.
 * A bucket is published (with the group that it is the first of) before
 * valid_evtchns says that it exists, and both stay until the domain is freed. So
 * whether a port number is valid depends on what only grows, never on a limit
 * that an ABI change or a reset can lower (XSA-338, -342), and whoever sees the
 * number valid sees the struct too (XSA-340, -358).
 *
 * States change as docs/isolation.md has it (E4). For the locks (E2) see internal.h.
 */
#include <hv/domain.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include "internal.h"

#define PER_BUCKET 64
#define PER_GROUP  (128 * PER_BUCKET)
#define NR_GROUPS  (EVTCHN_FIFO_NR_CHANNELS / PER_GROUP)

static struct evtchn *port_at(const struct domain *d, unsigned int port)
{
	struct evtchn *bucket = d->evtchn_groups[port / PER_GROUP][port % PER_GROUP / PER_BUCKET];

	return &bucket[port % PER_BUCKET];
}

struct evtchn *evtchn_from_port(const struct domain *d, evtchn_port_t port)
{
	unsigned int valid = __atomic_load_n(&d->valid_evtchns, __ATOMIC_ACQUIRE);

	if (!port || port >= valid)
		return NULL;
	return port_at(d, (unsigned int)index_nospec(port, valid));
}

/* Under evtchn_lock: one more bucket. */
static int add_bucket(struct domain *d)
{
	unsigned int first = d->valid_evtchns;
	struct evtchn ***group = &d->evtchn_groups[first / PER_GROUP];
	struct evtchn *bucket;

	if (!*group) {
		*group = hv_zalloc_array(PER_GROUP / PER_BUCKET, sizeof(bucket));
		if (!*group)
			return -ENOMEM;
	}
	bucket = hv_zalloc_array(PER_BUCKET, sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	for (unsigned int i = 0; i < PER_BUCKET; i++) {
		spin_lock_init(&bucket[i].lock, RANK_EVTCHN_PORT);
		bucket[i].port = first + i;
		bucket[i].last = EVTCHN_LAST_NONE;
	}
	(*group)[first % PER_GROUP / PER_BUCKET] = bucket;
	__atomic_store_n(&d->valid_evtchns, first + PER_BUCKET, __ATOMIC_RELEASE);
	return 0;
}

int evtchn_init(struct domain *d, unsigned int max_port)
{
	int rc;

	if (!max_port)
		return -EINVAL;
	spin_lock_init(&d->evtchn_lock, RANK_EVTCHN);
	d->max_evtchn_port = min(max_port, (unsigned int)EVTCHN_FIFO_NR_CHANNELS - 1);
	d->evtchn_ops = &evtchn_ops_2l;
	d->evtchn_free_hint = 1; /* port 0 means "none" in the ABI */
	d->evtchn_groups = hv_zalloc_array(NR_GROUPS, sizeof(*d->evtchn_groups));
	if (!d->evtchn_groups)
		return -ENOMEM;
	rc = add_bucket(d);
	if (rc)
		evtchn_fini(d);
	return rc;
}

void evtchn_fini(struct domain *d)
{
	if (!d->evtchn_groups)
		return;
	ASSERT(!d->evtchn_count && !d->evtchn_fifo);
	for (unsigned int g = 0; g < NR_GROUPS && d->evtchn_groups[g]; g++) {
		for (unsigned int b = 0; b < PER_GROUP / PER_BUCKET; b++)
			hv_free(d->evtchn_groups[g][b]);
		hv_free(d->evtchn_groups[g]);
	}
	hv_free(d->evtchn_groups);
	d->evtchn_groups = NULL;
	d->valid_evtchns = 0;
}

int evtchn_port_reserve(struct domain *d, struct evtchn **ret_chn)
{
	/* (S4) */
	unsigned int limit = min(d->max_evtchn_port + 1, d->evtchn_ops->max_ports);
	bool all_used = true;

	ASSERT(spin_is_held(&d->evtchn_lock));
	if (READ_ONCE(d->dying) != DOMDYING_alive)
		return -EINVAL;
	for (unsigned int port = d->evtchn_free_hint; port < limit; port++) {
		struct evtchn *chn;
		int rc = port < d->valid_evtchns ? 0 : add_bucket(d);

		if (rc)
			return rc;
		chn = port_at(d, port);
		if (chn->state != ECS_FREE)
			continue;
		if (d->evtchn_ops->is_busy(d, chn)) {
			all_used = false;
			continue;
		}
		chn->state = ECS_RESERVED;
		chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		chn->notify_vcpu = 0;
		chn->deferred = 0;
		d->evtchn_count++;
		if (all_used)
			d->evtchn_free_hint = port + 1;
		*ret_chn = chn;
		return 0;
	}
	return (int)hv_err(-ENOSPC, "d%u has all of its %u ports in use", d->id, limit);
}

void evtchn_port_bind(struct evtchn *chn, enum evtchn_state state, uint32_t data)
{
	unsigned long flags = spin_lock_irqsave(&chn->lock);

	chn->state = (uint8_t)state;
	chn->data = data;
	spin_unlock_irqrestore(&chn->lock, flags);
}

/* Under evtchn_lock and the port's lock. */
static void port_free_locked(struct domain *d, struct evtchn *chn)
{
	ASSERT(chn->state != ECS_FREE);
	/* Whoever gets the port next doesn't get the event. */
	d->evtchn_ops->clear_pending(d, chn);
	chn->deferred = 0;
	chn->state = ECS_FREE;
	chn->remote = NULL;
	d->evtchn_count--;
	d->evtchn_free_hint = min(d->evtchn_free_hint, chn->port);
}

void evtchn_port_free(struct domain *d, struct evtchn *chn)
{
	unsigned long flags = spin_lock_irqsave(&chn->lock);

	ASSERT(chn->state != ECS_INTERDOMAIN);
	port_free_locked(d, chn);
	spin_unlock_irqrestore(&chn->lock, flags);
}

unsigned long evtchn_lock_ends(struct evtchn *a, struct evtchn *b)
{
	unsigned long flags = local_irq_save();

	spin_lock_pair(&a->lock, &b->lock);
	return flags;
}

void evtchn_unlock_ends(struct evtchn *a, struct evtchn *b, unsigned long flags)
{
	spin_unlock_pair(&a->lock, &b->lock);
	local_irq_restore(flags);
}

/* (E1) Under both domains' evtchn_lock. The other end becomes unbound, for us again. */
static void disconnect(struct domain *d, struct evtchn *chn)
{
	struct evtchn *rchn = evtchn_from_port(chn->remote, chn->data);
	unsigned long flags;

	ASSERT(rchn->state == ECS_INTERDOMAIN && rchn->remote == d && rchn->data == chn->port);
	flags = evtchn_lock_ends(chn, rchn);
	rchn->state = ECS_UNBOUND;
	rchn->remote = NULL;
	rchn->data = d->id;
	port_free_locked(d, chn);
	evtchn_unlock_ends(chn, rchn, flags);
}

/*
 * With d's evtchn_lock held, gets that of the domain at @chn's other end, too.
 * That may mean to let go of the first: false if the port is no longer connected
 * to that domain (only d's lock is held then, and the caller looks again).
 */
static bool lock_remote(struct domain *d, struct evtchn *chn, struct domain **ret_remote)
{
	struct domain *rd = chn->remote;

	/* Connected, so rd has ports to close before it can go. */
	if (!domain_get(rd))
		BUG();
	spin_unlock(&d->evtchn_lock);
	spin_lock_pair(&d->evtchn_lock, &rd->evtchn_lock);
	if (chn->state == ECS_INTERDOMAIN && chn->remote == rd) {
		*ret_remote = rd;
		return true;
	}
	if (rd != d)
		spin_unlock(&rd->evtchn_lock);
	domain_put(rd);
	return false;
}

int evtchn_close(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	struct domain *rd;
	int rc = 0;

	if (!chn)
		return (int)hv_err(-EINVAL, "d%u has no port %u", d->id, port);
	spin_lock(&d->evtchn_lock);
	while (chn->state == ECS_INTERDOMAIN) {
		if (!lock_remote(d, chn, &rd))
			continue;
		disconnect(d, chn);
		spin_unlock_pair(&d->evtchn_lock, &rd->evtchn_lock);
		domain_put(rd);
		return 0;
	}
	if (chn->state == ECS_FREE)
		rc = -EINVAL;
	else
		evtchn_close_local(d, chn);
	spin_unlock(&d->evtchn_lock);
	return rc;
}

/* One that has to be closed is as much work as so many that are free. */
#define CLOSE_WORK 32
#define SLICE_WORK 2048

/*
 * Closes all ports from *next on, or some (-ERESTART), and goes on there. Two that do
 * it at a time may leave some out: finish_reset() knows.
 */
static int close_all(struct domain *d, unsigned int *next)
{
	unsigned int port = max(READ_ONCE(*next), 1U), work = 0;

	for (; port < READ_ONCE(d->valid_evtchns); port++) {
		work++;
		if (READ_ONCE(port_at(d, port)->state) != ECS_FREE) {
			evtchn_close(d, port);
			work += CLOSE_WORK;
		}
		if (work >= SLICE_WORK && hypercall_preempt_check()) {
			WRITE_ONCE(*next, port + 1);
			return -ERESTART;
		}
		work %= SLICE_WORK;
	}
	WRITE_ONCE(*next, 0);
	return 0;
}

/*
 * (E5) No event is pending: no selector may say so, or the next one's vCPU isn't told. In the
 * FIFO ABI, which doesn't look at them, they stay as they were when it was chosen.
 * Under evtchn_lock: vcpu_info doesn't move.
 */
static void clear_selectors(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v)
		WRITE_ONCE(v->vcpu_info->evtchn_pending_sel, 0);
}

/* False: ports have been bound since they were closed. */
static bool finish_reset(struct domain *d)
{
	bool done;

	spin_lock(&d->evtchn_lock);
	/*
	 * No port is bound and none can be now, and a sender that saw one bound
	 * held its lock until it was done: nobody looks at the FIFO structures
	 * (XSA-343, -344, -505).
	 */
	done = !d->evtchn_count;
	if (done) {
		evtchn_fifo_teardown(d);
		clear_selectors(d);
	}
	spin_unlock(&d->evtchn_lock);
	return done;
}

int evtchn_reset(struct domain *d)
{
	int rc = close_all(d, &d->evtchn_next_close);

	if (rc)
		return rc;
	return finish_reset(d) ? 0 : -ERESTART;
}

int evtchn_destroy(struct domain *d)
{
	int rc;

	if (!d->evtchn_groups)
		return 0;
	ASSERT(d->dying != DOMDYING_alive || !d->created);
	evtchn_clear_global_virq_handlers(d);
	/* Whoever was just binding and saw it alive is done after this. */
	spin_lock(&d->evtchn_lock);
	spin_unlock(&d->evtchn_lock);
	rc = close_all(d, &d->evtchn_next_close);
	if (rc)
		return rc;
	/* A dying domain gets no new ports. */
	if (!finish_reset(d))
		BUG();
	return 0;
}

/* ---- raising ----------------------------------------------------------------- */

void evtchn_notify_vcpu(struct vcpu *v)
{
	if (!__atomic_exchange_n(&READ_ONCE(v->vcpu_info)->evtchn_upcall_pending, 1,
				 __ATOMIC_SEQ_CST))
		vcpu_kick(v);
}

/* SCHEDOP_poll waits for pending ports, masked ones too. */
static void wake_pollers(struct domain *d, evtchn_port_t port)
{
	for (unsigned int w = 0; w < ARRAY_SIZE(d->poll_mask); w++) {
		for (unsigned long m = READ_ONCE(d->poll_mask[w]); m; m &= m - 1) {
			struct vcpu *v = d->vcpu[w * BITS_PER_LONG + bit_first(m)];
			evtchn_port_t wanted = READ_ONCE(v->poll_port);

			if (!wanted || wanted == port)
				vcpu_poll_wake(v);
		}
	}
}

bool evtchn_may_raise(const struct domain *d, const struct evtchn *chn)
{
	const struct domain *rd = READ_ONCE(chn->remote);
	const struct evtchn *rchn = rd ? evtchn_from_port(rd, READ_ONCE(chn->data)) : NULL;

	return spin_is_held(&chn->lock) || spin_is_held(&d->evtchn_lock) ||
	       (rchn && spin_is_held(&rchn->lock));
}

void evtchn_raise(struct domain *d, struct evtchn *chn)
{
	const struct evtchn_port_ops *ops = READ_ONCE(d->evtchn_ops), *now;

	ops->set_pending(d, chn);
	/*
	 * init_control changes the ABI, then looks which ports are pending in the
	 * old one. We may have marked it there after it looked.
	 */
	smp_mb();
	now = READ_ONCE(d->evtchn_ops);
	if (unlikely(now != ops))
		now->set_pending(d, chn);
	wake_pollers(d, chn->port);
}

int evtchn_send(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	unsigned long flags;
	int rc = 0;

	if (!chn)
		return (int)hv_err(-EINVAL, "d%u has no port %u", d->id, port);
	flags = spin_lock_irqsave(&chn->lock);
	switch (chn->state) {
	case ECS_INTERDOMAIN:
		evtchn_raise(chn->remote, evtchn_from_port(chn->remote, chn->data));
		break;
	case ECS_IPI:
		evtchn_raise(d, chn);
		break;
	case ECS_UNBOUND: /* nobody listens (any more) */
		break;
	default:
		rc = -EINVAL;
	}
	spin_unlock_irqrestore(&chn->lock, flags);
	return rc;
}

void evtchn_send_port(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	unsigned long flags;

	if (!chn)
		return;
	flags = spin_lock_irqsave(&chn->lock);
	if (chn->state != ECS_FREE && chn->state != ECS_RESERVED)
		evtchn_raise(d, chn);
	spin_unlock_irqrestore(&chn->lock, flags);
}

int evtchn_unmask(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	unsigned long flags;

	if (!chn)
		return (int)hv_err(-EINVAL, "d%u has no port %u", d->id, port);
	flags = spin_lock_irqsave(&chn->lock);
	if (chn->state != ECS_FREE)
		READ_ONCE(d->evtchn_ops)->unmask(d, chn);
	spin_unlock_irqrestore(&chn->lock, flags);
	return 0;
}

bool evtchn_port_is_valid(struct domain *d, evtchn_port_t port)
{
	return evtchn_from_port(d, port) != NULL;
}

bool evtchn_port_is_pending(struct domain *d, evtchn_port_t port)
{
	struct evtchn *chn = evtchn_from_port(d, port);
	unsigned long flags;
	bool pending;

	if (!chn)
		return false;
	flags = spin_lock_irqsave(&chn->lock);
	pending = chn->state != ECS_FREE && READ_ONCE(d->evtchn_ops)->is_pending(d, chn);
	spin_unlock_irqrestore(&chn->lock, flags);
	return pending;
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
	struct vcpu_info *vi = v->vcpu_info;

	/*
	 * Senders that still had the old address have set bits there after it was
	 * copied. With all selectors set the guest looks at every port (and in the
	 * FIFO ABI at the control block, which hasn't moved).
	 */
	__atomic_store_n(&vi->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vi->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(v);
}
