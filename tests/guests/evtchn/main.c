/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Event channels in the 2-level ABI: binding of every kind, pending and mask
 * bits, upcalls, polling, and the errors that kernels look for.
 */
#include "lib/guest.h"

const char test_title[] = "Event channels, 2-level";

static struct evtchn_status status_of(evtchn_port_t port)
{
	struct evtchn_status status = {.dom = DOMID_SELF, .port = port, .status = 99};

	expect_eq(hypercall(event_channel_op, EVTCHNOP_status, &status), 0);
	return status;
}

static void interdomain(void)
{
	evtchn_port_t a = evtchn_alloc(DOMID_SELF), b;
	struct evtchn_status status;

	expect_eq(status_of(a).status, EVTCHNSTAT_unbound);
	expect_eq(evtchn_send(a), 0); /* to nobody yet: dropped */
	b = evtchn_connect(a);
	expect(a != b);
	status = status_of(b);
	expect_eq(status.status, EVTCHNSTAT_interdomain);
	expect_eq(status.u.interdomain.port, a);
	expect_eq(status_of(a).u.interdomain.port, b);
	expect(evtchn_pending(b)); /* the binder may have missed something */
	evtchn_clear(b);

	expect_eq(evtchn_send(a), 0);
	expect(evtchn_pending(b) && !evtchn_pending(a));
	evtchn_clear(b);
	expect_eq(evtchn_send(b), 0);
	expect(evtchn_pending(a) && !evtchn_pending(b));
	evtchn_clear(a);

	expect_eq(evtchn_close(a), 0);
	expect_eq(status_of(a).status, EVTCHNSTAT_closed);
	expect_eq(status_of(b).status, EVTCHNSTAT_unbound);
	expect_eq(evtchn_close(b), 0);
	expect(evtchn_close(b) < 0);
	expect(evtchn_send(b) < 0);
	/* The lowest free port is taken next. */
	expect_eq(evtchn_alloc(DOMID_SELF), a < b ? a : b);
	evtchn_close(a < b ? a : b);
}

static void upcalls(void)
{
	evtchn_port_t a = evtchn_alloc(DOMID_SELF), b = evtchn_connect(a);
	unsigned int before;

	evtchn_clear(b);
	interrupts_on();
	before = event_count;
	expect_eq(evtchn_send(a), 0); /* masked: pending, but no upcall */
	expect(evtchn_pending(b));
	expect_eq(event_count, before);
	expect_eq(evtchn_unmask(b), 0); /* now it comes */
	expect_eq(event_count, before + 1);
	expect(vcpu_info->evtchn_pending_sel & 1UL << b / 64);
	evtchn_clear(b);
	vcpu_info->evtchn_pending_sel = 0;

	expect_eq(evtchn_send(a), 0); /* at once */
	expect_eq(event_count, before + 2);
	expect_eq(evtchn_send(a), 0); /* pending already: nothing new */
	expect_eq(event_count, before + 2);
	evtchn_clear(b);
	vcpu_info->evtchn_pending_sel = 0;

	interrupts_off();
	expect_eq(evtchn_send(a), 0);
	expect_eq(event_count, before + 2);
	expect_eq(vcpu_info->evtchn_upcall_pending, 1);
	interrupts_on(); /* delivered by any hypercall */
	expect_eq(event_count, before + 3);
	interrupts_off();
	evtchn_mask_all();
	vcpu_info->evtchn_pending_sel = 0;
	expect_eq(evtchn_close(b), 0);
	expect(!evtchn_pending(b));
	expect_eq(evtchn_close(a), 0);
}

static void virqs(void)
{
	struct evtchn_bind_virq op = {.virq = VIRQ_TIMER, .vcpu = 0};
	evtchn_port_t port = evtchn_virq(VIRQ_TIMER, 0);
	struct evtchn_status status = status_of(port);

	expect_eq(status.status, EVTCHNSTAT_virq);
	expect_eq(status.u.virq, VIRQ_TIMER);
	expect_eq(status.vcpu, 0);
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_virq, &op), -XEN_EEXIST);
	op.virq = NR_VIRQS;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_virq, &op), -XEN_EINVAL);
	op.virq = VIRQ_DEBUG;
	op.vcpu = 8192;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_virq, &op), -XEN_ENOENT);
	expect(evtchn_send(port) < 0);
	expect_eq(hypercall(set_timer_op, system_time() + 1000000), 0);
	sleep_ns(20000000);
	expect(evtchn_pending(port));
	expect_eq(evtchn_close(port), 0);
	expect(!evtchn_pending(port));
}

static void ipis(void)
{
	struct evtchn_bind_ipi op = {.vcpu = 0};
	struct evtchn_bind_vcpu move;

	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_ipi, &op), 0);
	expect_eq(status_of(op.port).status, EVTCHNSTAT_ipi);
	expect(!evtchn_pending(op.port));
	expect_eq(evtchn_send(op.port), 0);
	expect(evtchn_pending(op.port));
	move.port = op.port;
	move.vcpu = 0;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
	expect_eq(evtchn_close(op.port), 0);
	op.vcpu = 8192;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_ipi, &op), -XEN_ENOENT);
}

static void polling(void)
{
	evtchn_port_t a = evtchn_alloc(DOMID_SELF), b = evtchn_connect(a), bad = 0x12345678;
	struct sched_poll poll = {.nr_ports = 1};
	uint64_t start;

	set_xen_guest_handle(poll.ports, &b);
	poll.timeout = 0; /* pending since it was bound, and masked: returns at once */
	expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), 0);
	expect(evtchn_pending(b));
	evtchn_clear(b);
	start = system_time();
	poll.timeout = start + 20000000;
	expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), 0);
	expect(system_time() >= start + 15000000);
	set_xen_guest_handle(poll.ports, &bad);
	expect(hypercall(sched_op, SCHEDOP_poll, &poll) < 0);
	poll.nr_ports = 129;
	expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), -XEN_EINVAL);
	evtchn_close(b);
	evtchn_close(a);
}

static void errors(void)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = 1000};
	struct evtchn_status status = {.dom = DOMID_SELF, .port = 0x12345678};
	struct evtchn_alloc_unbound alloc = {.dom = 0, .remote_dom = DOMID_SELF};
	evtchn_port_t other = evtchn_alloc(0);

	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	bind.remote_port = other; /* waits for domain 0, not for us */
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	bind.remote_dom = 0x7000;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_interdomain, &bind), -XEN_ESRCH);
	expect_eq(hypercall(event_channel_op, EVTCHNOP_status, &status), -XEN_EINVAL);
	expect(hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &alloc) < 0);
	expect(evtchn_unmask(0x12345678) < 0);
	expect(evtchn_close(0) < 0);
	evtchn_close(other);
}

/* Ports run out with an error, not with a crash; all of them come back. */
static void exhaustion(void)
{
	struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = 0};
	unsigned int first = evtchn_alloc(0), n = 0;

	while (hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &op) == 0)
		n++;
	expect(n > 100 && n < 4096);
	expect_eq(hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &op), -XEN_ENOSPC);
	for (n += first; n >= first; n--)
		expect_eq(evtchn_close(n), 0);
}

void test_main(void)
{
	evtchn_mask_all();
	interdomain();
	upcalls();
	virqs();
	ipis();
	polling();
	errors();
	exhaustion();
}
