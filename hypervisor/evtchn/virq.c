/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Virtual interrupts: events that the hypervisor itself raises. One kind each
 * vCPU has for itself (timer, debug); the others are global: one domain handles
 * them, the hardware domain unless domctl set_virq_handler chose another.
 *
 * vcpu.virq_port[] only says where to look: whether the port is really bound to
 * that virq is seen under the port's own lock.
 *
 * Lock: virq_lock (RANK_VIRQ, interrupts off) for the table of handlers, each
 * of which holds a reference to its domain.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include "internal.h"

static struct spinlock virq_lock = SPINLOCK_INIT(RANK_VIRQ);
static struct domain *virq_handler[NR_VIRQS]; /* NULL: the hardware domain */

bool virq_is_global(unsigned int virq)
{
	switch (virq) {
	case VIRQ_TIMER:
	case VIRQ_DEBUG:
	case VIRQ_XENOPROF:
	case VIRQ_XENPMU:
		return false;
	default:
		return true;
	}
}

long evtchn_bind_virq(struct evtchn_bind_virq *bind)
{
	struct domain *d = current->domain;
	unsigned int virq = bind->virq;
	struct evtchn *chn;
	struct vcpu *v;
	int rc;

	if (virq >= NR_VIRQS)
		return hv_err(-EINVAL, "no virq %u", virq);
	if (virq_is_global(virq) && bind->vcpu)
		return hv_err(-EINVAL, "global virq %u for vCPU %u", virq, bind->vcpu);
	v = domain_vcpu(d, bind->vcpu);
	if (!v)
		return hv_err(-ENOENT, "no vCPU %u", bind->vcpu);
	virq = (unsigned int)index_nospec(virq, NR_VIRQS);
	spin_lock(&d->evtchn_lock);
	rc = -EEXIST;
	if (v->virq_port[virq])
		goto out;
	rc = evtchn_port_reserve(d, &chn);
	if (rc)
		goto out;
	chn->notify_vcpu = (uint8_t)v->id;
	evtchn_port_bind(chn, ECS_VIRQ, virq);
	WRITE_ONCE(v->virq_port[virq], chn->port);
	bind->port = chn->port;
out:
	spin_unlock(&d->evtchn_lock);
	return rc;
}

void evtchn_send_virq(struct vcpu *v, unsigned int virq)
{
	evtchn_port_t port = READ_ONCE(v->virq_port[virq]);
	struct evtchn *chn = port ? evtchn_from_port(v->domain, port) : NULL;
	unsigned long flags;

	if (!chn)
		return;
	flags = spin_lock_irqsave(&chn->lock);
	/* A global one may have been moved to another vCPU. */
	if (chn->state == ECS_VIRQ && chn->data == virq &&
	    (virq_is_global(virq) || chn->notify_vcpu == v->id))
		evtchn_raise(v->domain, chn);
	spin_unlock_irqrestore(&chn->lock, flags);
}

void evtchn_send_global_virq(unsigned int virq)
{
	unsigned long flags;
	struct domain *d;

	ASSERT(virq < NR_VIRQS && virq_is_global(virq));
	flags = spin_lock_irqsave(&virq_lock);
	d = virq_handler[virq] ? virq_handler[virq] : READ_ONCE(hardware_domain);
	if (d && d->vcpu && d->vcpu[0])
		evtchn_send_virq(d->vcpu[0], virq);
	spin_unlock_irqrestore(&virq_lock, flags);
}

int evtchn_set_global_virq_handler(struct domain *d, unsigned int virq)
{
	struct domain *old = NULL;
	unsigned long flags;
	int rc = 0;

	if (virq >= NR_VIRQS || !virq_is_global(virq))
		return (int)hv_err(-EINVAL, "virq %u isn't global", virq);
	flags = spin_lock_irqsave(&virq_lock);
	if (READ_ONCE(d->dying) != DOMDYING_alive || !domain_get(d)) {
		rc = -EINVAL;
	} else {
		old = virq_handler[virq];
		virq_handler[virq] = d;
	}
	spin_unlock_irqrestore(&virq_lock, flags);
	if (old)
		domain_put(old);
	return rc;
}

void evtchn_clear_global_virq_handlers(struct domain *d)
{
	for (unsigned int virq = 0; virq < NR_VIRQS; virq++) {
		unsigned long flags = spin_lock_irqsave(&virq_lock);
		bool was = virq_handler[virq] == d;

		if (was)
			virq_handler[virq] = NULL;
		spin_unlock_irqrestore(&virq_lock, flags);
		if (was)
			domain_put(d);
	}
}
