/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The event channel hypercall: binding, closing, and asking. The table at the
 * end says for each operation how its argument is copied; handlers work on the
 * local copy. Those that return something prove before they start that it can
 * be written, so that no port is made that the guest never hears of.
 *
 * Any domain may do anything to its own ports. Another domain's are open to the
 * control domain only (status, alloc_unbound, reset), except that a port made
 * for a domain can be bound by it.
 *
 * Locks: see internal.h.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include "internal.h"

/* The domain that an operation is on, with a reference. -ESRCH, -EPERM. */
static long get_target(domid_t id, struct domain **ret_d)
{
	struct domain *me = current->domain;

	if (id != DOMID_SELF && id != me->id && !is_control_domain(me))
		return hv_err(-EPERM, "d%u may not touch ports of d%u", me->id, id);
	*ret_d = domain_get_by_id(id);
	return *ret_d ? 0 : -ESRCH;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *ret_port)
{
	struct evtchn *chn;
	int rc;

	spin_lock(&d->evtchn_lock);
	rc = evtchn_port_reserve(d, &chn);
	if (!rc) {
		evtchn_port_bind(chn, ECS_UNBOUND, remote);
		*ret_port = chn->port;
	}
	spin_unlock(&d->evtchn_lock);
	return rc;
}

static long op_alloc_unbound(void *arg)
{
	struct evtchn_alloc_unbound *a = arg;
	domid_t remote = a->remote_dom == DOMID_SELF ? current->domain->id : a->remote_dom;
	struct domain *d;
	long rc = get_target(a->dom, &d);

	if (rc)
		return rc;
	rc = evtchn_alloc_unbound(d, remote, &a->port);
	domain_put(d);
	return rc;
}

/* Under both evtchn_locks. */
static long connect(struct domain *ld, struct domain *rd, struct evtchn_bind_interdomain *bind)
{
	struct evtchn *lchn, *rchn = evtchn_from_port(rd, bind->remote_port);
	unsigned long flags;
	int rc;

	/* Whether it is for us is all that an unprivileged caller can learn. */
	if (!rchn || rchn->state != ECS_UNBOUND || rchn->data != ld->id)
		return hv_err(-EINVAL, "port %u of d%u doesn't wait for d%u", bind->remote_port,
			      rd->id, ld->id);
	rc = evtchn_port_reserve(ld, &lchn);
	if (rc)
		return rc;
	/* Both ends become visible at once and complete (XSA-47). */
	flags = evtchn_lock_ends(lchn, rchn);
	lchn->state = ECS_INTERDOMAIN;
	lchn->remote = rd;
	lchn->data = rchn->port;
	rchn->state = ECS_INTERDOMAIN;
	rchn->remote = ld;
	rchn->data = lchn->port;
	/* The other side may have sent before we listened. */
	evtchn_raise(ld, lchn);
	evtchn_unlock_ends(lchn, rchn, flags);
	bind->local_port = lchn->port;
	return 0;
}

static long op_bind_interdomain(void *arg)
{
	struct evtchn_bind_interdomain *bind = arg;
	struct domain *ld = current->domain, *rd = domain_get_by_id(bind->remote_dom);
	long rc;

	if (!rd)
		return hv_err(-ESRCH, "no d%u", bind->remote_dom);
	spin_lock_pair(&ld->evtchn_lock, &rd->evtchn_lock);
	rc = connect(ld, rd, bind);
	spin_unlock_pair(&ld->evtchn_lock, &rd->evtchn_lock);
	domain_put(rd);
	return rc;
}

static long op_bind_virq(void *arg)
{
	return evtchn_bind_virq(arg);
}

static long op_bind_ipi(void *arg)
{
	struct evtchn_bind_ipi *bind = arg;
	struct domain *d = current->domain;
	struct vcpu *v = domain_vcpu(d, bind->vcpu);
	struct evtchn *chn;
	int rc;

	if (!v)
		return hv_err(-ENOENT, "no vCPU %u", bind->vcpu);
	spin_lock(&d->evtchn_lock);
	rc = evtchn_port_reserve(d, &chn);
	if (!rc) {
		chn->notify_vcpu = (uint8_t)v->id;
		evtchn_port_bind(chn, ECS_IPI, 0);
		bind->port = chn->port;
	}
	spin_unlock(&d->evtchn_lock);
	return rc;
}

static long op_bind_pirq(void *arg)
{
	struct evtchn_bind_pirq *bind = arg;
	struct domain *d = current->domain;
	struct evtchn *chn;
	int rc;

	spin_lock(&d->evtchn_lock);
	rc = evtchn_port_reserve(d, &chn);
	if (rc)
		goto out;
	/* The first interrupt may come before pirq_bind() returns. */
	evtchn_port_bind(chn, ECS_PIRQ, bind->pirq);
	rc = pirq_bind(d, bind->pirq, chn->port, bind->flags & BIND_PIRQ__WILL_SHARE);
	if (rc) {
		evtchn_port_free(d, chn);
		goto out;
	}
	pirq_set_vcpu(d, bind->pirq, d->vcpu[0]);
	bind->port = chn->port;
out:
	spin_unlock(&d->evtchn_lock);
	return rc;
}

void evtchn_close_local(struct domain *d, struct evtchn *chn)
{
	struct vcpu *v = d->vcpu[chn->notify_vcpu];

	switch (chn->state) {
	case ECS_PIRQ:
		pirq_unbind(d, chn->data);
		break;
	case ECS_VIRQ:
		/* A global one's events may go elsewhere, its owner is vCPU 0. */
		if (virq_is_global(chn->data))
			v = d->vcpu[0];
		ASSERT(v->virq_port[chn->data] == chn->port);
		WRITE_ONCE(v->virq_port[chn->data], 0);
		break;
	default:
		break;
	}
	evtchn_port_free(d, chn);
}

static long op_close(void *arg)
{
	return evtchn_close(current->domain, ((struct evtchn_close *)arg)->port);
}

static long op_send(void *arg)
{
	return evtchn_send(current->domain, ((struct evtchn_send *)arg)->port);
}

static long op_unmask(void *arg)
{
	return evtchn_unmask(current->domain, ((struct evtchn_unmask *)arg)->port);
}

static void fill_status(const struct evtchn *chn, struct evtchn_status *st)
{
	/* The caller gets back nothing but what is meant. */
	memset(&st->u, 0, sizeof(st->u));
	st->vcpu = chn->notify_vcpu;
	switch (chn->state) {
	case ECS_UNBOUND:
		st->status = EVTCHNSTAT_unbound;
		st->u.unbound.dom = (domid_t)chn->data;
		break;
	case ECS_INTERDOMAIN:
		st->status = EVTCHNSTAT_interdomain;
		st->u.interdomain.dom = chn->remote->id;
		st->u.interdomain.port = chn->data;
		break;
	case ECS_PIRQ:
		st->status = EVTCHNSTAT_pirq;
		st->u.pirq = chn->data;
		break;
	case ECS_VIRQ:
		st->status = EVTCHNSTAT_virq;
		st->u.virq = chn->data;
		break;
	case ECS_IPI:
		st->status = EVTCHNSTAT_ipi;
		break;
	default:
		st->status = EVTCHNSTAT_closed;
		st->vcpu = 0;
	}
}

static long op_status(void *arg)
{
	struct evtchn_status *st = arg;
	struct evtchn *chn;
	struct domain *d;
	long rc = get_target(st->dom, &d);

	if (rc)
		return rc;
	chn = evtchn_from_port(d, st->port);
	if (chn) {
		spin_lock(&d->evtchn_lock);
		fill_status(chn, st);
		spin_unlock(&d->evtchn_lock);
	} else {
		rc = -EINVAL; /* where a search for bound ports ends */
	}
	domain_put(d);
	return rc;
}

static long op_bind_vcpu(void *arg)
{
	const struct evtchn_bind_vcpu *bind = arg;
	struct domain *d = current->domain;
	struct evtchn *chn = evtchn_from_port(d, bind->port);
	struct vcpu *v = domain_vcpu(d, bind->vcpu);
	long rc = 0;

	if (!v)
		return hv_err(-ENOENT, "no vCPU %u", bind->vcpu);
	if (!chn)
		return hv_err(-EINVAL, "no port %u", bind->port);
	spin_lock(&d->evtchn_lock);
	switch (chn->state) {
	case ECS_VIRQ:
		if (!virq_is_global(chn->data)) {
			rc = -EINVAL;
			break;
		}
		WRITE_ONCE(chn->notify_vcpu, (uint8_t)v->id);
		break;
	case ECS_UNBOUND:
	case ECS_INTERDOMAIN:
		WRITE_ONCE(chn->notify_vcpu, (uint8_t)v->id);
		break;
	case ECS_PIRQ:
		WRITE_ONCE(chn->notify_vcpu, (uint8_t)v->id);
		pirq_set_vcpu(d, chn->data, v);
		break;
	default:
		rc = -EINVAL;
	}
	if (!rc)
		evtchn_fifo_vcpu_changed(d, chn);
	spin_unlock(&d->evtchn_lock);
	return rc;
}

static long op_reset(void *arg)
{
	struct domain *d;
	long rc = get_target(((struct evtchn_reset *)arg)->dom, &d);

	if (rc)
		return rc;
	rc = evtchn_reset(d);
	domain_put(d);
	return rc;
}

static long op_init_control(void *arg)
{
	return evtchn_fifo_init_control(arg);
}

static long op_expand_array(void *arg)
{
	return evtchn_fifo_expand_array(arg);
}

static long op_set_priority(void *arg)
{
	const struct evtchn_set_priority *sp = arg;
	struct domain *d = current->domain;
	struct evtchn *chn = evtchn_from_port(d, sp->port);
	long rc = 0;

	if (!chn || sp->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return hv_err(-EINVAL, "port %u, priority %u", sp->port, sp->priority);
	spin_lock(&d->evtchn_lock);
	if (d->evtchn_ops != &evtchn_ops_fifo)
		rc = -ENOSYS;
	else if (chn->state == ECS_FREE)
		rc = -EINVAL;
	else
		WRITE_ONCE(chn->priority, (uint8_t)sp->priority); /* from the next event on */
	spin_unlock(&d->evtchn_lock);
	return rc;
}

union evtchn_arg {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_status status;
	struct evtchn_init_control init_control;
	uint64_t words[4];
};

struct evtchn_op_desc {
	long (*fn)(void *arg);
	uint8_t size;
	bool out;
};

#define IN(name)    [EVTCHNOP_##name] = {op_##name, sizeof(struct evtchn_##name), false}
#define INOUT(name) [EVTCHNOP_##name] = {op_##name, sizeof(struct evtchn_##name), true}

static const struct evtchn_op_desc evtchn_op_descs[] = {
	INOUT(bind_interdomain),
	INOUT(bind_virq),
	INOUT(bind_pirq),
	IN(close),
	IN(send),
	INOUT(status),
	INOUT(alloc_unbound),
	INOUT(bind_ipi),
	IN(bind_vcpu),
	IN(unmask),
	IN(reset),
	INOUT(init_control),
	IN(expand_array),
	IN(set_priority),
};

long do_event_channel_op(int cmd, uint64_t arg)
{
	const struct evtchn_op_desc *op;
	union evtchn_arg a;
	long rc;

	if (cmd < 0 || (size_t)cmd >= ARRAY_SIZE(evtchn_op_descs))
		return -ENOSYS;
	op = &evtchn_op_descs[index_nospec((unsigned int)cmd, ARRAY_SIZE(evtchn_op_descs))];
	BUG_ON(op->size > sizeof(a));
	if (guest_copy_in(&a, arg, op->size) || (op->out && guest_copy_out(arg, &a, op->size)))
		return -EFAULT;
	rc = op->fn(&a);
	if (rc == -ERESTART) {
		unsigned long args[] = {(unsigned long)cmd, arg};

		return hypercall_continue(__HYPERVISOR_event_channel_op, 2, args);
	}
	if (!rc && op->out && guest_copy_out(arg, &a, op->size))
		rc = -EFAULT; /* its own other vCPU took the memory away: its own loss */
	return rc;
}
