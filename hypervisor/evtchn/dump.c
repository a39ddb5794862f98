/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The report for the debug key. Lock: evtchn_lock. */
#include <hv/domain.h>
#include <hv/lib.h>
#include "internal.h"

static void dump_port(struct domain *d, const struct evtchn *chn)
{
	static const char *const names[] = {
		[ECS_FREE] = "free",  [ECS_RESERVED] = "reserved", [ECS_UNBOUND] = "unbound for d",
		[ECS_PIRQ] = "pirq ", [ECS_VIRQ] = "virq ",        [ECS_IPI] = "ipi ",
	};
	char pending = d->evtchn_ops->is_pending(d, chn) ? 'P' : '-';
	char masked = d->evtchn_ops->is_masked(d, chn) ? 'M' : '-';

	if (chn->state == ECS_INTERDOMAIN)
		pr_info("  %6u %c%c v%u prio %u: interdomain to port %u of d%u\n", chn->port,
			pending, masked, chn->notify_vcpu, chn->priority, chn->data,
			chn->remote->id);
	else
		pr_info("  %6u %c%c v%u prio %u: %s%u\n", chn->port, pending, masked,
			chn->notify_vcpu, chn->priority, names[chn->state], chn->data);
}

void evtchn_dump(struct domain *d)
{
	spin_lock(&d->evtchn_lock);
	pr_info("d%u: %s event channels, %u of %u ports in use\n", d->id, d->evtchn_ops->name,
		d->evtchn_count, d->max_evtchn_port);
	for (evtchn_port_t port = 1; port < d->valid_evtchns; port++) {
		const struct evtchn *chn = evtchn_from_port(d, port);

		if (chn->state != ECS_FREE)
			dump_port(d, chn);
	}
	spin_unlock(&d->evtchn_lock);
}
