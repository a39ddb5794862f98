/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Event channels: the states of ports, who may do what, and the 2-level ABI.
 * The FIFO ABI has test_evtchn_fifo.c. Each test ends with all domains destroyed
 * and every frame back in the allocator. Tries E1, E2, E4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <arch/page.h>
#include <hosttest/machine.h>

static struct domain *d0, *d1, *d2;
static unsigned long free_before;

static int setup(void **state)
{
	ht_machine_init();
	free_before = page_free_count();
	d0 = ht_domain_new(0, 2, 4095);
	d1 = ht_domain_new(1, 4, 1023);
	d2 = ht_domain_new(2, 1, 4095);
	for (unsigned int i = 0; i < 4; i++)
		ht_kicks[i] = ht_poll_wakes[i] = 0;
	ht_run(d1, 0);
	return 0;
}

static void end(struct domain *d)
{
	ht_domain_dying(d);
	while (evtchn_destroy(d) == -ERESTART)
		;
	ht_domain_free(d);
}

static int teardown(void **state)
{
	ht_audit();
	ht_guest_fault(NULL, 0);
	ht_preempt_every(0);
	ht_run(d0, 0);
	end(d1);
	end(d2);
	end(d0);
	assert_int_equal(page_free_count(), free_before);
	ht_assert_quiet();
	return 0;
}

static long op(int cmd, void *arg)
{
	long rc = do_event_channel_op(cmd, ht_va(arg));

	ht_assert_quiet();
	return rc;
}

static evtchn_port_t alloc_unbound(struct domain *d, domid_t remote)
{
	evtchn_port_t port = 0;

	assert_int_equal(evtchn_alloc_unbound(d, remote, &port), 0);
	return port;
}

/* The running domain binds to a port of @d. */
static evtchn_port_t bind_to(struct domain *d, evtchn_port_t port)
{
	struct evtchn_bind_interdomain b = {.remote_dom = d->id, .remote_port = port};

	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), 0);
	return b.local_port;
}

static evtchn_port_t bind_virq(unsigned int virq, unsigned int vcpu)
{
	struct evtchn_bind_virq b = {.virq = virq, .vcpu = vcpu};

	assert_int_equal(op(EVTCHNOP_bind_virq, &b), 0);
	return b.port;
}

static evtchn_port_t bind_ipi(unsigned int vcpu)
{
	struct evtchn_bind_ipi b = {.vcpu = vcpu};

	assert_int_equal(op(EVTCHNOP_bind_ipi, &b), 0);
	return b.port;
}

static long close_port(evtchn_port_t port)
{
	struct evtchn_close c = {.port = port};

	return op(EVTCHNOP_close, &c);
}

static long send_port(evtchn_port_t port)
{
	struct evtchn_send s = {.port = port};

	return op(EVTCHNOP_send, &s);
}

static struct evtchn_status status(domid_t dom, evtchn_port_t port)
{
	struct evtchn_status st = {.dom = dom, .port = port, .u.interdomain = {77, 77}};

	assert_int_equal(op(EVTCHNOP_status, &st), 0);
	return st;
}

/* Is it pending in the 2-level ABI? Takes it, as a guest would, if so. */
static bool take_2l(struct domain *d, unsigned int vcpu, evtchn_port_t port)
{
	struct vcpu_info *vi = d->vcpu[vcpu]->vcpu_info;

	if (!vi->evtchn_upcall_pending)
		return false;
	if (!test_bit(port / 64, &vi->evtchn_pending_sel) ||
	    !test_and_clear_bit(port, d->shared_info->evtchn_pending))
		return false;
	vi->evtchn_upcall_pending = 0;
	clear_bit(port / 64, &vi->evtchn_pending_sel);
	return true;
}

static void test_life_of_a_connection(void **state)
{
	evtchn_port_t p1 = alloc_unbound(d1, 2), p2;
	struct evtchn_status st;

	assert_int_equal(p1, 1); /* the lowest: console and store get 1 and 2 */
	st = status(DOMID_SELF, p1);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);
	assert_int_equal(st.u.unbound.dom, 2);
	assert_int_equal(st.u.interdomain.port, 0); /* nothing of the caller's comes back */
	assert_int_equal(send_port(p1), 0);

	ht_run(d2, 0);
	p2 = bind_to(d1, p1);
	assert_true(take_2l(d2, 0, p2)); /* pending from the start */
	st = status(DOMID_SELF, p2);
	assert_int_equal(st.status, EVTCHNSTAT_interdomain);
	assert_int_equal(st.u.interdomain.dom, 1);
	assert_int_equal(st.u.interdomain.port, p1);

	assert_int_equal(send_port(p2), 0);
	assert_int_equal(ht_kicks[0], 2);
	assert_true(take_2l(d1, 0, p1));
	ht_run(d1, 0);
	assert_int_equal(send_port(p1), 0);
	assert_true(take_2l(d2, 0, p2));

	assert_int_equal(close_port(p1), 0);
	assert_int_equal(close_port(p1), -EINVAL);
	assert_int_equal(status(DOMID_SELF, p1).status, EVTCHNSTAT_closed);
	ht_run(d2, 0);
	st = status(DOMID_SELF, p2);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);
	assert_int_equal(st.u.unbound.dom, 1);
	assert_int_equal(send_port(p2), 0);
	assert_false(take_2l(d1, 0, p1));
}

static void test_connection_to_oneself(void **state)
{
	evtchn_port_t a = alloc_unbound(d1, 1), b = bind_to(d1, a);

	assert_true(take_2l(d1, 0, b));
	assert_int_equal(send_port(b), 0);
	assert_true(take_2l(d1, 0, a));
	assert_int_equal(close_port(a), 0);
	assert_int_equal(status(DOMID_SELF, b).status, EVTCHNSTAT_unbound);
}

static void test_who_may_bind(void **state)
{
	evtchn_port_t p = alloc_unbound(d1, 2);
	struct evtchn_bind_interdomain b = {.remote_dom = 1, .remote_port = p};

	ht_run(d0, 0);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -EINVAL); /* privileged or not */
	ht_run(d2, 0);
	b.remote_port = 5;
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -EINVAL);
	b.remote_port = 0;
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -EINVAL);
	b.remote_port = ~0U;
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -EINVAL);
	b.remote_dom = 9;
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -ESRCH);
	b = (struct evtchn_bind_interdomain){.remote_dom = 1, .remote_port = p};
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), 0);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -EINVAL);
	assert_int_equal(d2->evtchn_count, 1); /* failures left nothing behind */
}

static void test_foreign_ports(void **state)
{
	struct evtchn_alloc_unbound a = {.dom = 2, .remote_dom = DOMID_SELF};
	struct evtchn_status st = {.dom = 2, .port = 1};
	struct evtchn_reset r = {.dom = 2};

	assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), -EPERM);
	assert_int_equal(op(EVTCHNOP_status, &st), -EPERM);
	assert_int_equal(op(EVTCHNOP_reset, &r), -EPERM);
	ht_run(d0, 0);
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), 0);
	st = status(2, a.port);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);
	assert_int_equal(st.u.unbound.dom, 0);
	st = (struct evtchn_status){.dom = 2, .port = 64};
	assert_int_equal(op(EVTCHNOP_status, &st), -EINVAL); /* ends a search */
	assert_int_equal(op(EVTCHNOP_reset, &r), 0);
	assert_int_equal(d2->evtchn_count, 0);
	a.dom = 9;
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), -ESRCH);
}

static void test_virqs(void **state)
{
	struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = 1};
	evtchn_port_t timer1 = bind_virq(VIRQ_TIMER, 1), exc;
	struct evtchn_bind_vcpu bv = {.port = timer1, .vcpu = 0};

	assert_int_equal(op(EVTCHNOP_bind_virq, &b), -EEXIST);
	b.virq = NR_VIRQS;
	assert_int_equal(op(EVTCHNOP_bind_virq, &b), -EINVAL);
	b = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 4};
	assert_int_equal(op(EVTCHNOP_bind_virq, &b), -ENOENT);
	b = (struct evtchn_bind_virq){.virq = VIRQ_DOM_EXC, .vcpu = 1};
	assert_int_equal(op(EVTCHNOP_bind_virq, &b), -EINVAL); /* global: vCPU 0 */
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), -EINVAL); /* not to be moved */

	evtchn_send_virq(d1->vcpu[0], VIRQ_TIMER); /* not bound: nothing */
	assert_false(take_2l(d1, 0, timer1));
	evtchn_send_virq(d1->vcpu[1], VIRQ_TIMER);
	assert_true(take_2l(d1, 1, timer1));
	assert_int_equal(send_port(timer1), -EINVAL); /* only the hypervisor may */
	assert_int_equal(status(DOMID_SELF, timer1).u.virq, VIRQ_TIMER);
	assert_int_equal(status(DOMID_SELF, timer1).vcpu, 1);

	exc = bind_virq(VIRQ_DOM_EXC, 0);
	bv = (struct evtchn_bind_vcpu){.port = exc, .vcpu = 3};
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), 0);
	evtchn_send_global_virq(VIRQ_DOM_EXC); /* goes to the control domain */
	assert_false(take_2l(d1, 3, exc));
	assert_int_equal(evtchn_set_global_virq_handler(d1, VIRQ_DOM_EXC), 0);
	assert_int_equal(evtchn_set_global_virq_handler(d1, VIRQ_TIMER), -EINVAL);
	evtchn_send_global_virq(VIRQ_DOM_EXC);
	assert_true(take_2l(d1, 3, exc));
	assert_int_equal(close_port(exc), 0);
	evtchn_send_global_virq(VIRQ_DOM_EXC);
	assert_int_equal(bind_virq(VIRQ_DOM_EXC, 0), exc);
	assert_int_equal(close_port(timer1), 0);
	assert_int_equal(bind_virq(VIRQ_TIMER, 1), timer1);
}

static void test_ipis_and_vcpus(void **state)
{
	evtchn_port_t ipi = bind_ipi(2), u = alloc_unbound(d1, 0);
	struct evtchn_bind_vcpu bv = {.port = ipi, .vcpu = 0};
	struct evtchn_bind_ipi bad = {.vcpu = 77};

	assert_int_equal(op(EVTCHNOP_bind_ipi, &bad), -ENOENT);
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), -EINVAL);
	assert_int_equal(send_port(ipi), 0);
	assert_true(take_2l(d1, 2, ipi));
	bv = (struct evtchn_bind_vcpu){.port = u, .vcpu = 2};
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), 0);
	bv.vcpu = 4;
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), -ENOENT);
	bv = (struct evtchn_bind_vcpu){.port = 999, .vcpu = 0};
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), -EINVAL);
	assert_int_equal(status(DOMID_SELF, u).vcpu, 2);
}

static void test_pirqs(void **state)
{
	struct evtchn_bind_pirq b = {.pirq = 9};
	struct evtchn_bind_vcpu bv = {.vcpu = 1};

	assert_int_equal(op(EVTCHNOP_bind_pirq, &b), 0);
	assert_int_equal(ht_pirq_port[9], b.port);
	evtchn_send_port(d1, b.port);
	assert_true(take_2l(d1, 0, b.port));
	bv.port = b.port;
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), 0);
	assert_int_equal(ht_pirq_vcpu[9], 1);
	evtchn_send_port(d1, b.port);
	assert_true(take_2l(d1, 1, b.port));
	assert_int_equal(op(EVTCHNOP_bind_pirq, &b), -EEXIST);
	assert_int_equal(d1->evtchn_count, 1);
	assert_int_equal(close_port(bv.port), 0);
	assert_int_equal(ht_pirq_port[9], 0);
	b.pirq = HT_PIRQ_FORBIDDEN;
	assert_int_equal(op(EVTCHNOP_bind_pirq, &b), -EINVAL);
	assert_int_equal(d1->evtchn_count, 0);
}

static void test_mask_and_unmask(void **state)
{
	evtchn_port_t ipi = bind_ipi(1);
	struct evtchn_unmask u = {.port = ipi};

	set_bit(ipi, d1->shared_info->evtchn_mask);
	assert_int_equal(send_port(ipi), 0);
	assert_int_equal(ht_kicks[1], 0);
	assert_true(evtchn_port_is_pending(d1, ipi));
	assert_int_equal(op(EVTCHNOP_unmask, &u), 0);
	assert_int_equal(ht_kicks[1], 1);
	assert_true(take_2l(d1, 1, ipi));
	assert_int_equal(op(EVTCHNOP_unmask, &u), 0); /* neither masked nor pending */
	assert_int_equal(ht_kicks[1], 1);
	u.port = 64;
	assert_int_equal(op(EVTCHNOP_unmask, &u), -EINVAL);
	/* A closed port's event isn't the next owner's. */
	assert_int_equal(send_port(ipi), 0);
	assert_int_equal(close_port(ipi), 0);
	assert_int_equal(bind_ipi(1), ipi);
	assert_false(evtchn_port_is_pending(d1, ipi));
}

static void test_poll_wakes_for_masked_ports(void **state)
{
	evtchn_port_t a = bind_ipi(0), b = bind_ipi(0);

	set_bit(a, d1->shared_info->evtchn_mask);
	d1->vcpu[2]->poll_port = a;
	d1->vcpu[3]->poll_port = 0; /* several */
	set_bit(2, d1->poll_mask);
	set_bit(3, d1->poll_mask);
	assert_int_equal(send_port(b), 0);
	assert_int_equal(ht_poll_wakes[2], 0);
	assert_int_equal(ht_poll_wakes[3], 1);
	assert_int_equal(send_port(a), 0);
	assert_int_equal(ht_poll_wakes[2], 1);
	assert_false(evtchn_port_is_valid(d1, 0));
	assert_true(evtchn_port_is_valid(d1, 63));
	assert_false(evtchn_port_is_valid(d1, 64));
}

static void test_vcpu_info_moves(void **state)
{
	struct vcpu_info there = {0};
	evtchn_port_t ipi = bind_ipi(0);

	d1->vcpu[0]->vcpu_info = &there;
	evtchn_vcpu_info_moved(d1->vcpu[0]);
	assert_int_equal(there.evtchn_upcall_pending, 1);
	assert_int_equal(there.evtchn_pending_sel, ~0UL);
	assert_int_equal(ht_kicks[0], 1);
	there = (struct vcpu_info){0};
	assert_int_equal(send_port(ipi), 0);
	assert_int_equal(there.evtchn_upcall_pending, 1);
	assert_int_equal(there.evtchn_pending_sel, 1);
}

static void test_limit(void **state)
{
	struct evtchn_bind_ipi b = {.vcpu = 0};

	for (unsigned int i = 1; i <= 1023; i++)
		assert_int_equal(bind_ipi(0), i);
	assert_int_equal(op(EVTCHNOP_bind_ipi, &b), -ENOSPC);
	assert_int_equal(close_port(500), 0);
	assert_int_equal(close_port(200), 0);
	assert_int_equal(bind_ipi(0), 200);
	assert_int_equal(bind_ipi(0), 500);
	assert_int_equal(op(EVTCHNOP_bind_ipi, &b), -ENOSPC);
}

static void test_bad_arguments(void **state)
{
	struct evtchn_bind_ipi b = {.vcpu = 0};

	assert_int_equal(do_event_channel_op(-1, ht_va(&b)), -ENOSYS);
	assert_int_equal(do_event_channel_op(14, ht_va(&b)), -ENOSYS);
	assert_int_equal(do_event_channel_op(EVTCHNOP_bind_ipi, 0), -EFAULT);
	assert_int_equal(do_event_channel_op(EVTCHNOP_bind_ipi, ~0UL), -EFAULT);
	ht_guest_fault(&b, sizeof(b));
	assert_int_equal(op(EVTCHNOP_bind_ipi, &b), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_int_equal(d1->evtchn_count, 0);
	assert_int_equal(send_port(0), -EINVAL);
	assert_int_equal(send_port(3), -EINVAL);
	assert_int_equal(send_port(~0U), -EINVAL);
	assert_int_equal(close_port(~0U), -EINVAL);
}

static void test_reset_is_preemptible(void **state)
{
	struct evtchn_reset r = {.dom = DOMID_SELF};
	unsigned int slices = 0;
	long rc;

	for (unsigned int i = 0; i < 400; i++)
		bind_ipi(i % 4);
	ht_preempt_every(1);
	while ((rc = op(EVTCHNOP_reset, &r)) == HT_CONTINUED) {
		assert_int_equal(ht_continuation.op, __HYPERVISOR_event_channel_op);
		assert_int_equal(ht_continuation.arg[0], EVTCHNOP_reset);
		assert_true(ht_continuation.arg[1] == ht_va(&r));
		slices++;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(slices, 400 / 64);
	assert_int_equal(d1->evtchn_count, 0);
	assert_int_equal(bind_ipi(0), 1);
}

/* The report of the debug key: each state, as it is; and nothing else changes. */
static void test_report(void **state)
{
	struct evtchn_bind_pirq p = {.pirq = 7};
	evtchn_port_t u, i, v, b;
	char line[80];

	u = alloc_unbound(d1, 2);
	i = bind_ipi(1);
	v = bind_virq(VIRQ_TIMER, 2);
	b = bind_to(d2, alloc_unbound(d2, 1));
	assert_int_equal(op(EVTCHNOP_bind_pirq, &p), 0);
	assert_int_equal(send_port(i), 0);
	*ht_log = 0;
	evtchn_dump(d1);
	assert_non_null(strstr(ht_log, "d1: 2-level event channels, 5 of 1023 ports in use"));
	snprintf(line, sizeof(line), "%6u -- v0 prio 7: unbound for d2\n", u);
	assert_non_null(strstr(ht_log, line));
	snprintf(line, sizeof(line), "%6u P- v1 prio 7: ipi 0\n", i);
	assert_non_null(strstr(ht_log, line));
	snprintf(line, sizeof(line), "%6u -- v2 prio 7: virq %u\n", v, VIRQ_TIMER);
	assert_non_null(strstr(ht_log, line));
	snprintf(line, sizeof(line), "v0 prio 7: interdomain to port 1 of d2\n");
	assert_non_null(strstr(ht_log, line));
	assert_non_null(strstr(ht_log, "pirq 7\n"));
	assert_int_equal(status(DOMID_SELF, b).status, EVTCHNSTAT_interdomain);
	assert_int_equal(close_port(p.port), 0);
}

static void test_death_of_one_end(void **state)
{
	evtchn_port_t p0 = alloc_unbound(d0, 2), p2;
	struct evtchn_alloc_unbound a = {.dom = 2, .remote_dom = 0};

	ht_run(d2, 0);
	p2 = bind_to(d0, p0);
	bind_virq(VIRQ_TIMER, 0);
	for (unsigned int i = 0; i < 200; i++)
		bind_ipi(0);
	assert_int_equal(evtchn_set_global_virq_handler(d2, VIRQ_CONSOLE), 0);
	ht_run(d0, 0);
	ht_domain_dying(d2);
	ht_preempt_every(1);
	assert_int_equal(evtchn_destroy(d2), -ERESTART);
	/* Half dead: nothing new can be bound, or is lost. */
	assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), -EINVAL);
	assert_int_equal(send_port(p0), 0);
	assert_int_equal(evtchn_set_global_virq_handler(d2, VIRQ_CONSOLE), -EINVAL);
	while (evtchn_destroy(d2) == -ERESTART)
		;
	assert_int_equal(evtchn_destroy(d2), 0);
	assert_int_equal(status(DOMID_SELF, p0).status, EVTCHNSTAT_unbound);
	assert_int_equal(p2, 1);
	evtchn_send_global_virq(VIRQ_CONSOLE);
}

/* ---- what another CPU does between a look at a port and its lock ------------------------- */

static void (*meanwhile)(void);

static void on_another_cpu(void)
{
	struct domain *d = ht_current[0]->domain;

	ht_irq_save_hook = NULL;
	ht_cpu = 1;
	ht_run(d, 0);
	meanwhile();
	ht_run(NULL, 0);
	ht_cpu = 0;
}

static void before_the_lock(void (*fn)(void))
{
	meanwhile = fn;
	ht_irq_save_hook = on_another_cpu;
}

static evtchn_port_t ours, theirs;

static void close_ours(void)
{
	assert_int_equal(close_port(ours), 0);
}

static void theirs_becomes_an_ipi(void)
{
	ht_run(d2, 0);
	assert_int_equal(close_port(theirs), 0);
	assert_int_equal(bind_ipi(0), theirs);
}

static void ours_becomes_an_ipi(void)
{
	close_ours();
	assert_int_equal(bind_ipi(2), ours);
}

static void ours_goes_to_another_vcpu(void)
{
	close_ours();
	assert_int_equal(bind_virq(VIRQ_TIMER, 2), ours);
}

static void test_closed_before_it_is_sent_to(void **state)
{
	ours = bind_to(d2, theirs = alloc_unbound(d2, 1));
	assert_true(take_2l(d1, 0, ours));
	before_the_lock(theirs_becomes_an_ipi);
	assert_int_equal(send_port(ours), 0);
	assert_false(evtchn_port_is_pending(d2, theirs));
	before_the_lock(close_ours);
	assert_int_equal(send_port(ours), -EINVAL);
	assert_null(ht_irq_save_hook);
	assert_int_equal(ht_kicks[0], 1); /* when they were connected */
}

static void test_other_port_before_it_is_raised(void **state)
{
	struct evtchn_bind_pirq p = {.pirq = 9};
	struct evtchn_unmask u;

	ours = bind_virq(VIRQ_TIMER, 1);
	before_the_lock(ours_becomes_an_ipi);
	evtchn_send_virq(d1->vcpu[1], VIRQ_TIMER);
	assert_false(evtchn_port_is_pending(d1, ours));
	assert_int_equal(close_port(ours), 0);
	assert_int_equal(bind_virq(VIRQ_TIMER, 1), ours);
	before_the_lock(ours_goes_to_another_vcpu);
	evtchn_send_virq(d1->vcpu[1], VIRQ_TIMER);
	assert_false(evtchn_port_is_pending(d1, ours));
	assert_int_equal(close_port(ours), 0);

	assert_int_equal(op(EVTCHNOP_bind_pirq, &p), 0);
	ours = p.port;
	before_the_lock(close_ours);
	evtchn_send_port(d1, ours);
	assert_int_equal(bind_ipi(0), ours);
	assert_false(evtchn_port_is_pending(d1, ours));

	set_bit(ours, d1->shared_info->evtchn_mask);
	before_the_lock(close_ours);
	u.port = ours;
	assert_int_equal(op(EVTCHNOP_unmask, &u), 0);
	assert_true(test_bit(ours, d1->shared_info->evtchn_mask));
	assert_null(ht_irq_save_hook);
}

/* Random operations of three domains against the states that they must lead to. */

struct model {
	unsigned int state, remote, port;
};

static struct domain *const *const all[] = {&d0, &d1, &d2};
static struct model model[3][1024];

static void check_model(void)
{
	ht_run(d0, 0);
	for (unsigned int i = 0; i < 3; i++) {
		for (evtchn_port_t p = 1; evtchn_port_is_valid(*all[i], p); p++) {
			struct evtchn_status st = status((*all[i])->id, p);

			assert_int_equal(st.status, model[i][p].state);
			if (st.status == EVTCHNSTAT_interdomain)
				assert_int_equal(st.u.interdomain.port, model[i][p].port);
			if (st.status == EVTCHNSTAT_interdomain || st.status == EVTCHNSTAT_unbound)
				assert_int_equal(st.u.unbound.dom, model[i][p].remote);
		}
	}
}

static unsigned int rnd(unsigned int n)
{
	static uint64_t seed = 42;

	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(seed >> 33) % n;
}

static void model_close(unsigned int i, evtchn_port_t p)
{
	struct model *m = &model[i][p];

	if (m->state == EVTCHNSTAT_interdomain)
		model[m->remote][m->port] = (struct model){EVTCHNSTAT_unbound, i, 0};
	model[i][p] = (struct model){0};
}

static void random_step(void)
{
	unsigned int i = rnd(3), j = rnd(3), p = 1 + rnd(100), q = 1 + rnd(100);
	struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)j, .remote_port = q};
	struct model *m = &model[i][p], *r = &model[j][q];
	long rc;

	ht_run(*all[i], 0);
	switch (rnd(5)) {
	case 0:
		if ((*all[i])->evtchn_count > 60)
			break;
		p = alloc_unbound(*all[i], (domid_t)j);
		assert_int_equal(model[i][p].state, 0);
		model[i][p] = (struct model){EVTCHNSTAT_unbound, j, 0};
		break;
	case 1:
		rc = op(EVTCHNOP_bind_interdomain, &b);
		assert_int_equal(rc == 0, r->state == EVTCHNSTAT_unbound && r->remote == i);
		if (rc)
			break;
		model[i][b.local_port] = (struct model){EVTCHNSTAT_interdomain, j, q};
		*r = (struct model){EVTCHNSTAT_interdomain, i, b.local_port};
		assert_true(evtchn_port_is_pending(*all[i], b.local_port));
		break;
	case 2:
		assert_int_equal(close_port(p) == 0, m->state != 0);
		model_close(i, p);
		break;
	default:
		rc = send_port(p);
		assert_int_equal(rc == 0, m->state != 0);
		if (m->state == EVTCHNSTAT_interdomain)
			assert_true(evtchn_port_is_pending(*all[m->remote], m->port));
	}
}

static void test_random_connections(void **state)
{
	memset(model, 0, sizeof(model));
	for (unsigned int i = 0; i < 20000; i++) {
		random_step();
		if (i % 500 == 0)
			check_model();
	}
	check_model();
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_life_of_a_connection),
		T(test_connection_to_oneself),
		T(test_who_may_bind),
		T(test_foreign_ports),
		T(test_virqs),
		T(test_ipis_and_vcpus),
		T(test_pirqs),
		T(test_mask_and_unmask),
		T(test_poll_wakes_for_masked_ports),
		T(test_vcpu_info_moves),
		T(test_limit),
		T(test_bad_arguments),
		T(test_reset_is_preemptible),
		T(test_report),
		T(test_death_of_one_end),
		T(test_closed_before_it_is_sent_to),
		T(test_other_port_before_it_is_raised),
		T(test_random_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
