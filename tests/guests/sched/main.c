/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Giving up the CPU: yielding, blocking without losing a wake-up, polling. */
#include "lib/guest.h"

const char test_title[] = "sched_op: yield, block, poll";

static void blocking(void)
{
	evtchn_port_t timer = evtchn_virq(VIRQ_TIMER, 0);
	unsigned int before;
	uint64_t start;

	evtchn_unmask(timer);
	before = event_count;
	start = system_time();
	expect_eq(hypercall(set_timer_op, start + 20000000), 0);
	expect_eq(vcpu_info->evtchn_upcall_mask, 1);
	expect_eq(hypercall(sched_op, SCHEDOP_block, 0), 0);
	/* Upcalls were unmasked as it blocked. */
	expect_eq(vcpu_info->evtchn_upcall_mask, 0);
	expect_eq(event_count, before + 1);
	expect(evtchn_pending(timer));
	expect(system_time() >= start + 20000000);
	interrupts_off();
	evtchn_clear(timer);
	vcpu_info->evtchn_pending_sel = 0;

	/* An event that came before is not slept through. */
	start = system_time();
	expect_eq(hypercall(set_timer_op, start + 1000000), 0);
	while (!evtchn_pending(timer))
		hypercall(sched_op, SCHEDOP_yield, 0);
	expect_eq(event_count, before + 1);
	expect_eq(hypercall(sched_op, SCHEDOP_block, 0), 0);
	expect_eq(event_count, before + 2);
	interrupts_off();
	evtchn_clear(timer);
	evtchn_close(timer);
}

static void polling(void)
{
	evtchn_port_t ports[3], peers[3];
	struct sched_poll poll = {.nr_ports = 3};
	uint64_t start;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ports[i] = evtchn_alloc(DOMID_SELF);
		peers[i] = evtchn_connect(ports[i]);
		evtchn_clear(peers[i]);
	}
	set_xen_guest_handle(poll.ports, ports);
	start = system_time();
	poll.timeout = start + 10000000;
	/* With several ports, any event may end it, one of the console's too. */
	for (i = 0; i < 10 && system_time() < start + 9000000; i++)
		expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), 0);
	expect(i < 10);
	expect(system_time() >= start + 9000000);
	/* A time that has passed is no sleep. */
	poll.timeout = 1;
	expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), 0);
	/* The last of several, masked */
	expect_eq(evtchn_send(peers[2]), 0);
	poll.timeout = 0;
	expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), 0);
	expect(evtchn_pending(ports[2]));
	for (i = 0; i < 3; i++) {
		evtchn_close(ports[i]);
		evtchn_close(peers[i]);
	}
}

void test_main(void)
{
	struct sched_remote_shutdown remote = {.domain_id = 0, .reason = SHUTDOWN_crash};

	evtchn_mask_all();
	expect_eq(hypercall(sched_op, SCHEDOP_yield, 0), 0);
	expect_eq(hypercall(sched_op, SCHEDOP_yield, 0x7f0000000000UL), 0);
	blocking();
	polling();
	expect_eq(hypercall(sched_op, SCHEDOP_remote_shutdown, &remote), -XEN_EPERM);
	expect_eq(hypercall(sched_op, SCHEDOP_shutdown, 0x7f0000000000UL), -XEN_EFAULT);
}
