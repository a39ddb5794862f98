/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Time: the clock never goes back and agrees with the timers, which fire no
 * earlier than asked; a time in the past fires at once.
 */
#include "lib/guest.h"

const char test_title[] = "Clock and timers";

#define MS 1000000UL

static evtchn_port_t timer;

static bool wait_for_timer(uint64_t ns)
{
	struct sched_poll poll = {.nr_ports = 1, .timeout = system_time() + ns};

	set_xen_guest_handle(poll.ports, &timer);
	while (!evtchn_pending(timer) && system_time() < poll.timeout)
		hypercall(sched_op, SCHEDOP_poll, &poll);
	if (!evtchn_pending(timer))
		return false;
	evtchn_clear(timer);
	return true;
}

static void clock(void)
{
	uint64_t last = system_time(), now, start = last;
	struct vcpu_time_info *t = &vcpu_info->time;
	unsigned int i;

	expect(t->version != 0 && t->version % 2 == 0);
	expect(t->tsc_to_system_mul != 0);
	for (i = 0; i < 20000; i++) {
		now = system_time();
		if (now < last) {
			failure("the clock went back by %lu ns", last - now);
			break;
		}
		last = now;
		if (i % 1000 == 0)
			hypercall(sched_op, SCHEDOP_yield, 0);
	}
	expect(last > start);
	expect(shared_info->wc_version % 2 == 0);
	expect(shared_info->wc_sec + ((uint64_t)shared_info->wc_sec_hi << 32) > 1500000000UL);
	expect(shared_info->wc_nsec < 1000000000);
}

static long single_shot(uint64_t at, uint32_t flags)
{
	struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = at, .flags = flags};

	return hypercall(vcpu_op, VCPUOP_set_singleshot_timer, 0, &op);
}

static void single_shots(void)
{
	uint64_t at = system_time() + 10 * MS;
	long ret;

	expect_eq(single_shot(at, 0), 0);
	expect(wait_for_timer(1000 * MS));
	expect(system_time() >= at);
	expect_eq(single_shot(at, 0), 0); /* passed */
	expect(wait_for_timer(1000 * MS));
	/* This flag asks for an error instead, but need not be heeded. */
	ret = single_shot(at, VCPU_SSHOTTMR_future);
	expect(ret == 0 || ret == -XEN_ETIME);
	expect_eq(wait_for_timer(5 * MS), ret == 0);
	expect_eq(single_shot(system_time() + 10 * MS, VCPU_SSHOTTMR_future), 0);
	expect(wait_for_timer(1000 * MS));
	/* Stopped, and replaced */
	expect_eq(single_shot(system_time() + 10 * MS, 0), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0), 0);
	expect(!wait_for_timer(30 * MS));
	expect_eq(single_shot(system_time() + 5000 * MS, 0), 0);
	expect_eq(single_shot(system_time() + 5 * MS, 0), 0);
	expect(wait_for_timer(1000 * MS));
	expect(!wait_for_timer(20 * MS));
}

static void set_timer(void)
{
	uint64_t at = system_time() + 10 * MS;

	expect_eq(hypercall(set_timer_op, at), 0);
	expect(wait_for_timer(1000 * MS));
	expect(system_time() >= at);
	expect_eq(hypercall(set_timer_op, system_time() + 10 * MS), 0);
	expect_eq(hypercall(set_timer_op, 0), 0);
	expect(!wait_for_timer(30 * MS));
}

static void periodic(void)
{
	struct vcpu_set_periodic_timer op = {.period_ns = 10 * MS};
	uint64_t start = system_time();
	unsigned int i;

	expect_eq(hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &op), 0);
	for (i = 0; i < 5; i++)
		expect(wait_for_timer(1000 * MS));
	expect(system_time() - start >= 40 * MS);
	expect_eq(hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0);
	evtchn_clear(timer);
	expect(!wait_for_timer(40 * MS));
	op.period_ns = 1000; /* below a millisecond */
	expect_eq(hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &op), -XEN_EINVAL);
}

void test_main(void)
{
	struct vcpu_set_singleshot_timer op = {0};

	evtchn_mask_all();
	expect_eq(hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0);
	timer = evtchn_virq(VIRQ_TIMER, 0);
	clock();
	single_shots();
	set_timer();
	periodic();
	expect_eq(hypercall(vcpu_op, VCPUOP_set_singleshot_timer, 8192, &op), -XEN_ENOENT);
}
