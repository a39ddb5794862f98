/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ports, for the audit (hv/audit.h): a connected port's other end is connected
 * to it, a virq's port is the one that its vCPU knows, and the count is right.
 */
#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include "internal.h"

static void check_interdomain(const struct domain *d, const struct evtchn *chn)
{
	const struct evtchn *other = chn->remote ? evtchn_from_port(chn->remote, chn->data) : NULL;

	if (!other || other->state != ECS_INTERDOMAIN || other->remote != d ||
	    other->data != chn->port)
		audit_differs("port %u of d%u is connected to port %u of d%u, but not that to it",
			      chn->port, d->id, chn->data, chn->remote ? chn->remote->id : 0);
}

static void check_virq(const struct domain *d, const struct evtchn *chn)
{
	const struct vcpu *v;
	unsigned int known = 0;

	for_each_vcpu (d, v)
		known += chn->data < NR_VIRQS && v->virq_port[chn->data] == chn->port;
	if (known != 1)
		audit_differs("port %u of d%u is bound to virq %u, which %u vCPUs know", chn->port,
			      d->id, chn->data, known);
}

void evtchn_audit(const struct domain *d)
{
	unsigned int used = 0;

	for (evtchn_port_t port = 1; port < d->valid_evtchns; port++) {
		const struct evtchn *chn = evtchn_from_port(d, port);

		used += chn->state != ECS_FREE;
		if (chn->port != port || chn->state == ECS_RESERVED)
			audit_differs("port %u of d%u says that it is %u, in state %u", port, d->id,
				      chn->port, chn->state);
		if (chn->state == ECS_INTERDOMAIN)
			check_interdomain(d, chn);
		if (chn->state == ECS_VIRQ)
			check_virq(d, chn);
		if (chn->state != ECS_FREE && !domain_vcpu(d, chn->notify_vcpu))
			audit_differs("port %u of d%u goes to vCPU %u, which is not there", port,
				      d->id, chn->notify_vcpu);
	}
	if (used != d->evtchn_count)
		audit_differs("d%u: %u ports by its books, but %u are in use", d->id,
			      d->evtchn_count, used);
}
