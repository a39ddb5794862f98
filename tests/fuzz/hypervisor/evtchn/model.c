/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The model of event channels: model.h. */
#include <hv/bitops.h>
#include <hv/lib.h>
#include <arch/page.h>
#include <hosttest/machine.h>
#include "hypervisor/evtchn/internal.h"

#include "model.h"

struct model_domain model[MODEL_DOMAINS];

#define LINKED (1U << EVTCHN_FIFO_LINKED)
#define MASKED (1U << EVTCHN_FIFO_MASKED)

int model_target(unsigned int me, unsigned int id, bool others, unsigned int *ret)
{
	*ret = id == DOMID_SELF ? me : id;
	if (*ret != me && me && !others)
		return -EPERM;
	return *ret < MODEL_DOMAINS ? 0 : -ESRCH;
}

bool model_masked(unsigned int dom, unsigned int port)
{
	struct model_domain *m = &model[dom];

	if (m->fifo)
		return !m->words || (m->words[port] & MASKED);
	return test_bit(port, m->d->shared_info->evtchn_mask);
}

static bool in_range(unsigned int dom, unsigned int port)
{
	return port && port < model[dom].d->valid_evtchns;
}

static struct model_port *get_port(unsigned int dom, unsigned int port)
{
	static struct model_port none;

	none = (struct model_port){.status = EVTCHNSTAT_closed};
	return port < MODEL_PORTS ? &model[dom].port[port] : &none;
}

/* The lowest free one; in the FIFO ABI not one that the guest has still queued. */
static int reserve(unsigned int dom)
{
	struct model_domain *m = &model[dom];

	if (m->dead)
		return -EINVAL;
	for (unsigned int p = 1; p <= m->d->max_evtchn_port; p++) {
		bool busy = m->fifo && m->words && (m->words[p] & LINKED);

		if (m->port[p].status == EVTCHNSTAT_closed && !busy)
			return (int)p;
	}
	return -ENOSPC;
}

static int bind(unsigned int dom, unsigned int status, unsigned int vcpu, unsigned int data)
{
	int p = reserve(dom);

	if (p > 0)
		model[dom].port[p] =
			(struct model_port){.status = status, .vcpu = vcpu, .data = data};
	return p;
}

int model_alloc_unbound(unsigned int me, unsigned int dom, unsigned int remote)
{
	unsigned int d;
	int rc = model_target(me, dom, false, &d);

	if (rc)
		return rc;
	rc = bind(d, EVTCHNSTAT_unbound, 0, 0);
	if (rc > 0)
		model[d].port[rc].dom = remote == DOMID_SELF ? me : remote;
	return rc;
}

int model_bind_interdomain(unsigned int me, unsigned int dom, unsigned int port)
{
	unsigned int d;
	struct model_port *r;
	int rc = model_target(me, dom, true, &d);

	if (rc)
		return rc;
	r = get_port(d, port);
	if (r->status != EVTCHNSTAT_unbound || r->dom != me)
		return -EINVAL;
	rc = bind(me, EVTCHNSTAT_interdomain, 0, 0);
	if (rc < 0)
		return rc;
	model[me].port[rc].dom = d;
	model[me].port[rc].port = port;
	model[me].port[rc].pending = true;
	r->status = EVTCHNSTAT_interdomain;
	r->dom = me;
	r->port = (unsigned int)rc;
	return rc;
}

bool model_virq_is_global(unsigned int virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
	       virq != VIRQ_XENPMU;
}

static struct model_port *find_virq(unsigned int dom, unsigned int virq, unsigned int vcpu)
{
	for (unsigned int p = 1; p < MODEL_PORTS; p++) {
		struct model_port *mp = &model[dom].port[p];

		if (mp->status == EVTCHNSTAT_virq && mp->data == virq &&
		    (model_virq_is_global(virq) || mp->vcpu == vcpu))
			return mp;
	}
	return NULL;
}

int model_bind_virq(unsigned int me, unsigned int virq, unsigned int vcpu)
{
	if (virq >= NR_VIRQS || (model_virq_is_global(virq) && vcpu))
		return -EINVAL;
	if (vcpu >= model[me].vcpus)
		return -ENOENT;
	return find_virq(me, virq, vcpu) ? -EEXIST : bind(me, EVTCHNSTAT_virq, vcpu, virq);
}

int model_bind_ipi(unsigned int me, unsigned int vcpu)
{
	return vcpu < model[me].vcpus ? bind(me, EVTCHNSTAT_ipi, vcpu, 0) : -ENOENT;
}

int model_bind_pirq(unsigned int me, unsigned int pirq)
{
	int rc = reserve(me);

	if (rc < 0)
		return rc;
	if (pirq >= HT_PIRQ_FORBIDDEN)
		return -EINVAL;
	for (unsigned int i = 0; i < MODEL_DOMAINS * MODEL_PORTS; i++) {
		const struct model_port *p = &model[i / MODEL_PORTS].port[i % MODEL_PORTS];

		if (p->status == EVTCHNSTAT_pirq && p->data == pirq)
			return -EEXIST;
	}
	return bind(me, EVTCHNSTAT_pirq, 0, pirq);
}

int model_close(unsigned int me, unsigned int port)
{
	struct model_port *p = get_port(me, port);

	if (!in_range(me, port) || p->status == EVTCHNSTAT_closed)
		return -EINVAL;
	if (p->status == EVTCHNSTAT_interdomain) {
		struct model_port *r = &model[p->dom].port[p->port];

		/* Ours again to bind. */
		r->status = EVTCHNSTAT_unbound;
		r->dom = me;
	}
	*p = (struct model_port){.status = EVTCHNSTAT_closed};
	return 0;
}

int model_send(unsigned int me, unsigned int port)
{
	struct model_port *p = get_port(me, port);

	if (!in_range(me, port))
		return -EINVAL;
	switch (p->status) {
	case EVTCHNSTAT_interdomain:
		model[p->dom].port[p->port].pending = true;
		return 0;
	case EVTCHNSTAT_ipi:
		p->pending = true;
		return 0;
	case EVTCHNSTAT_unbound:
		return 0;
	default:
		return -EINVAL;
	}
}

int model_bind_vcpu(unsigned int me, unsigned int port, unsigned int vcpu)
{
	struct model_port *p = get_port(me, port);

	if (vcpu >= model[me].vcpus)
		return -ENOENT;
	if (!in_range(me, port) || p->status == EVTCHNSTAT_closed || p->status == EVTCHNSTAT_ipi ||
	    (p->status == EVTCHNSTAT_virq && !model_virq_is_global(p->data)))
		return -EINVAL;
	p->vcpu = vcpu;
	return 0;
}

void model_close_all(unsigned int dom)
{
	for (unsigned int p = 1; p < MODEL_PORTS; p++)
		(void)model_close(dom, p);
	model[dom].fifo = false;
	model[dom].words = NULL;
	memset(model[dom].block, 0, sizeof(model[dom].block));
}

void model_raise_virq(unsigned int dom, unsigned int virq, unsigned int vcpu)
{
	struct model_port *p = find_virq(dom, virq, vcpu);

	/* A global one is looked for at vCPU 0, wherever its events go. */
	if (p && (!model_virq_is_global(virq) || !vcpu))
		p->pending = true;
}

/* ---- comparison ------------------------------------------------------------------------ */

static void compare_port(unsigned int dom, unsigned int port)
{
	static const uint8_t states[] = {[EVTCHNSTAT_closed] = ECS_FREE,
					 [EVTCHNSTAT_unbound] = ECS_UNBOUND,
					 [EVTCHNSTAT_interdomain] = ECS_INTERDOMAIN,
					 [EVTCHNSTAT_pirq] = ECS_PIRQ,
					 [EVTCHNSTAT_virq] = ECS_VIRQ,
					 [EVTCHNSTAT_ipi] = ECS_IPI};
	struct domain *d = model[dom].d;
	const struct evtchn *chn = evtchn_from_port(d, port);
	const struct model_port *p = &model[dom].port[port];
	bool wrong = chn->state != states[p->status];

	if (!wrong && p->status != EVTCHNSTAT_closed)
		wrong = chn->notify_vcpu != p->vcpu;
	if (!wrong && p->status == EVTCHNSTAT_interdomain)
		wrong = chn->remote != model[p->dom].d || chn->data != p->port;
	else if (!wrong && p->status == EVTCHNSTAT_unbound)
		wrong = chn->data != p->dom;
	else if (!wrong && (p->status == EVTCHNSTAT_virq || p->status == EVTCHNSTAT_pirq))
		wrong = chn->data != p->data;
	if (wrong)
		panic("d%u's port %u: state %u for vCPU %u, data %u; should be %u for %u", dom,
		      port, chn->state, chn->notify_vcpu, chn->data, p->status, p->vcpu);
	if (p->status != EVTCHNSTAT_closed && evtchn_port_is_pending(d, port) != p->pending)
		panic("d%u's port %u is %spending", dom, port, p->pending ? "not " : "");
}

/* (E5) In the 2-level ABI a pending event shows in a selector, and that vCPU is told. */
static void compare_2l(unsigned int dom)
{
	const struct shared_info *si = model[dom].d->shared_info;

	for (unsigned int p = 1; p < MODEL_PORTS; p++) {
		bool told = !model[dom].port[p].pending || model_masked(dom, p);

		for (unsigned int v = 0; v < model[dom].vcpus && !told; v++)
			told = (si->vcpu_info[v].evtchn_pending_sel >> p / 64 & 1) &&
			       si->vcpu_info[v].evtchn_upcall_pending;
		if (!told)
			panic("d%u isn't told of the event on port %u", dom, p);
	}
}

/* (E5) In the FIFO ABI it is in a queue. */
static void compare_fifo(unsigned int dom)
{
	const struct model_domain *m = &model[dom];

	for (unsigned int p = 1; p < MODEL_PORTS && m->words; p++) {
		if (m->port[p].pending && !model_masked(dom, p) && m->block[m->port[p].vcpu] &&
		    !(m->words[p] & LINKED))
			panic("d%u's event on port %u is in no queue", dom, p);
	}
}

void model_compare(void)
{
	for (unsigned int d = 0; d < MODEL_DOMAINS; d++) {
		unsigned int n = 0;

		for (unsigned int p = 1; p < MODEL_PORTS; p++)
			n += model[d].port[p].status != EVTCHNSTAT_closed;
		if (model[d].d->evtchn_count != n)
			panic("d%u has %u ports; should be %u", d, model[d].d->evtchn_count, n);
		for (unsigned int p = 1; p < MODEL_PORTS && p < model[d].d->valid_evtchns; p++)
			compare_port(d, p);
		if (model[d].fifo)
			compare_fifo(d);
		else
			compare_2l(d);
	}
	ht_assert_quiet();
}
