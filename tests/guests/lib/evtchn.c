/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Event channels of the 2-level ABI, for tests that need some. */
#include "lib/guest.h"

evtchn_port_t evtchn_alloc(domid_t remote)
{
	struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};

	if (hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &op))
		error("alloc_unbound");
	return op.port;
}

evtchn_port_t evtchn_connect(evtchn_port_t port)
{
	struct evtchn_bind_interdomain op = {.remote_dom = DOMID_SELF, .remote_port = port};

	if (hypercall(event_channel_op, EVTCHNOP_bind_interdomain, &op))
		error("bind_interdomain");
	return op.local_port;
}

evtchn_port_t evtchn_virq(unsigned int virq, unsigned int vcpu)
{
	struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};

	if (hypercall(event_channel_op, EVTCHNOP_bind_virq, &op))
		error("bind_virq");
	return op.port;
}

long evtchn_send(evtchn_port_t port)
{
	struct evtchn_send op = {.port = port};

	return hypercall(event_channel_op, EVTCHNOP_send, &op);
}

long evtchn_unmask(evtchn_port_t port)
{
	struct evtchn_unmask op = {.port = port};

	return hypercall(event_channel_op, EVTCHNOP_unmask, &op);
}

long evtchn_close(evtchn_port_t port)
{
	struct evtchn_close op = {.port = port};

	return hypercall(event_channel_op, EVTCHNOP_close, &op);
}

bool evtchn_pending(evtchn_port_t port)
{
	return __atomic_load_n(&shared_info->evtchn_pending[port / 64], __ATOMIC_ACQUIRE) >>
		       port % 64 &
	       1;
}

void evtchn_clear(evtchn_port_t port)
{
	__atomic_and_fetch(&shared_info->evtchn_pending[port / 64], ~(1UL << port % 64),
			   __ATOMIC_SEQ_CST);
}

void evtchn_mask_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shared_info->evtchn_mask); i++)
		__atomic_store_n(&shared_info->evtchn_mask[i], ~0UL, __ATOMIC_SEQ_CST);
}

/* A port connected to ourselves says who that is. */
domid_t own_domid(void)
{
	struct evtchn_status status = {.dom = DOMID_SELF};
	evtchn_port_t a = evtchn_alloc(DOMID_SELF), b = evtchn_connect(a);

	status.port = b;
	if (hypercall(event_channel_op, EVTCHNOP_status, &status))
		error("status");
	evtchn_close(b);
	evtchn_close(a);
	return status.u.interdomain.dom;
}

void sleep_ns(uint64_t ns)
{
	uint64_t end = system_time() + ns;
	struct sched_poll poll = {.nr_ports = 0, .timeout = end};

	while (system_time() < end) {
		if (hypercall(sched_op, SCHEDOP_poll, &poll))
			error("poll");
	}
}
