/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The FIFO ABI of event channels, with a guest's side of it: a consumer that
 * works on the shared words as the ABI asks, and a hostile one that doesn't. Tries E3, E5.
 *
 * Invariant of the random test: whatever order of sends, masks, moves between
 * vCPUs and priorities, and partial consumption, an event that was sent on an
 * unmasked port is delivered, on the vCPU that it was meant for when it was
 * queued, in the end; and no port is delivered without an event.
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
#include <hv/page_type.h>
#include <arch/page.h>
#include <hosttest/machine.h>

#define PENDING   (1U << EVTCHN_FIFO_PENDING)
#define MASKED    (1U << EVTCHN_FIFO_MASKED)
#define LINKED    (1U << EVTCHN_FIFO_LINKED)
#define BUSY      (1U << EVTCHN_FIFO_BUSY)
#define LINK_MASK ((uint32_t)EVTCHN_FIFO_LINK_MASK)

#define VCPUS 4

static struct domain *d0, *d1;
static unsigned long free_before;

/* ---- the guest ---------------------------------------------------------------- */

static event_word_t *array[128];
static unsigned int array_pages;
static struct evtchn_fifo_control_block *block[VCPUS];
static uint32_t local_head[VCPUS][EVTCHN_FIFO_MAX_QUEUES];

static event_word_t *word(evtchn_port_t port)
{
	return &array[port / 1024][port % 1024];
}

static long op(int cmd, void *arg)
{
	long rc = do_event_channel_op(cmd, ht_va(arg));

	ht_assert_quiet();
	return rc;
}

static long init_control(unsigned int vcpu, mfn_t mfn, unsigned int offset)
{
	struct evtchn_init_control ic = {.control_gfn = mfn_x(mfn), .offset = offset, .vcpu = vcpu};
	long rc = op(EVTCHNOP_init_control, &ic);

	if (!rc) {
		assert_int_equal(ic.link_bits, 17);
		block[vcpu] = (void *)((char *)mfn_to_virt(mfn) + offset);
		memset(local_head[vcpu], 0, sizeof(local_head[vcpu]));
	}
	return rc;
}

static long expand_array(mfn_t mfn)
{
	struct evtchn_expand_array ea = {.array_gfn = mfn_x(mfn)};
	event_word_t *page = mfn_to_virt(mfn);
	long rc;

	for (unsigned int i = 0; i < 1024; i++)
		page[i] = MASKED;
	rc = op(EVTCHNOP_expand_array, &ea);
	if (!rc)
		array[array_pages++] = page;
	return rc;
}

static void unmask(evtchn_port_t port)
{
	struct evtchn_unmask u = {.port = port};

	if (*word(port) & PENDING)
		assert_int_equal(op(EVTCHNOP_unmask, &u), 0);
	else
		*word(port) &= ~MASKED;
}

/* Takes the next event of a queue: its port, or 0. */
static evtchn_port_t consume_one(unsigned int vcpu, unsigned int prio, uint32_t *ready)
{
	evtchn_port_t port = local_head[vcpu][prio];
	uint32_t w;

	if (!port)
		port = block[vcpu]->head[prio];
	w = *word(port);
	assert_true(w & LINKED);
	assert_false(w & BUSY);
	*word(port) = w & ~(LINKED | LINK_MASK);
	local_head[vcpu][prio] = w & LINK_MASK;
	if (!(w & LINK_MASK))
		*ready &= ~(1U << prio);
	if ((w & PENDING) && !(w & MASKED)) {
		*word(port) &= ~PENDING;
		return port;
	}
	return 0;
}

/* Takes at most @max entries of a vCPU's queues; calls @fn for each event. */
static unsigned int consume(unsigned int vcpu, unsigned int max,
			    void (*fn)(unsigned int vcpu, unsigned int prio, evtchn_port_t port))
{
	static uint32_t left[VCPUS];
	uint32_t ready = left[vcpu];
	unsigned int n = 0;

	d1->vcpu[vcpu]->vcpu_info->evtchn_upcall_pending = 0;
	ready |= block[vcpu]->ready;
	block[vcpu]->ready = 0;
	while (ready && n < max) {
		unsigned int prio = bit_first(ready);
		evtchn_port_t port = consume_one(vcpu, prio, &ready);

		if (port && fn)
			fn(vcpu, prio, port);
		n++;
		ready |= block[vcpu]->ready;
		block[vcpu]->ready = 0;
	}
	left[vcpu] = ready;
	return n;
}

/* ---- set-up ------------------------------------------------------------------- */

static int setup(void **state)
{
	ht_machine_init();
	free_before = page_free_count();
	d0 = ht_domain_new(0, 1, 4095);
	d1 = ht_domain_new(1, VCPUS, 4095);
	array_pages = 0;
	for (unsigned int i = 0; i < VCPUS; i++)
		ht_kicks[i] = 0;
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
	ht_run(d0, 0);
	end(d1);
	end(d0);
	assert_int_equal(page_free_count(), free_before);
	ht_assert_quiet();
	return 0;
}

static void start_fifo(unsigned int vcpus)
{
	for (unsigned int i = 0; i < vcpus; i++)
		assert_int_equal(init_control(i, ht_domain_page(d1), 0), 0);
	assert_int_equal(expand_array(ht_domain_page(d1)), 0);
}

static evtchn_port_t bind_ipi(unsigned int vcpu)
{
	struct evtchn_bind_ipi b = {.vcpu = vcpu};

	assert_int_equal(op(EVTCHNOP_bind_ipi, &b), 0);
	return b.port;
}

static void send_port(evtchn_port_t port)
{
	struct evtchn_send s = {.port = port};

	assert_int_equal(op(EVTCHNOP_send, &s), 0);
}

static long set_priority(evtchn_port_t port, unsigned int prio)
{
	struct evtchn_set_priority sp = {.port = port, .priority = prio};

	return op(EVTCHNOP_set_priority, &sp);
}

static evtchn_port_t got[64];
static unsigned int got_prio[64], nr_got;

static void note(unsigned int vcpu, unsigned int prio, evtchn_port_t port)
{
	got[nr_got] = port;
	got_prio[nr_got++] = prio;
}

/* ---- tests --------------------------------------------------------------------- */

static void test_order_and_priorities(void **state)
{
	evtchn_port_t p[6];

	start_fifo(VCPUS);
	for (unsigned int i = 0; i < 6; i++) {
		p[i] = bind_ipi(1);
		unmask(p[i]);
	}
	assert_int_equal(set_priority(p[4], EVTCHN_FIFO_PRIORITY_MAX), 0);
	assert_int_equal(set_priority(p[5], EVTCHN_FIFO_PRIORITY_MIN), 0);
	assert_int_equal(set_priority(p[5], EVTCHN_FIFO_PRIORITY_MIN + 1), -EINVAL);
	send_port(p[5]);
	for (unsigned int i = 0; i < 5; i++)
		send_port(p[i]);
	send_port(p[0]); /* is queued already */
	assert_int_equal(ht_kicks[1], 1); /* one upcall for all */
	nr_got = 0;
	consume(1, 100, note);
	assert_int_equal(nr_got, 6);
	assert_int_equal(got[0], p[4]);
	assert_int_equal(got_prio[0], 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(got[1 + i], p[i]);
	assert_int_equal(got_prio[1], EVTCHN_FIFO_PRIORITY_DEFAULT);
	assert_int_equal(got[5], p[5]);
	assert_int_equal(consume(1, 100, NULL), 0);
	send_port(p[2]);
	nr_got = 0;
	consume(1, 100, note);
	assert_int_equal(nr_got, 1);
}

static void test_mask(void **state)
{
	evtchn_port_t p;

	start_fifo(1);
	p = bind_ipi(0);
	send_port(p); /* masked */
	assert_int_equal(*word(p), MASKED | PENDING);
	assert_int_equal(ht_kicks[0], 0);
	assert_true(evtchn_port_is_pending(d1, p));
	unmask(p);
	assert_int_equal(ht_kicks[0], 1);
	nr_got = 0;
	consume(0, 100, note);
	assert_int_equal(nr_got, 1);
	assert_int_equal(*word(p), 0);
}

/* The ports that the tools made, perhaps pending, come along. */
static void test_switch_of_abi(void **state)
{
	evtchn_port_t a = bind_ipi(0), b = bind_ipi(0), c = bind_ipi(1);

	send_port(a);
	send_port(c);
	assert_int_equal(set_priority(a, 3), -ENOSYS);
	assert_int_equal(expand_array(ht_domain_page(d1)), -EOPNOTSUPP);
	assert_int_equal(init_control(0, ht_domain_page(d1), 0), 0);
	assert_true(evtchn_port_is_pending(d1, a)); /* though there is no word for it */
	send_port(b);
	assert_int_equal(expand_array(ht_domain_page(d1)), 0);
	assert_int_equal(*word(a), MASKED | PENDING);
	assert_int_equal(*word(b), MASKED | PENDING);
	unmask(a);
	unmask(b);
	nr_got = 0;
	consume(0, 100, note);
	assert_int_equal(nr_got, 2);
	/* vCPU 1 has no control block yet: kept, and delivered when it has. */
	unmask(c);
	assert_int_equal(*word(c), PENDING);
	assert_int_equal(init_control(1, ht_domain_page(d1), 0), 0);
	nr_got = 0;
	consume(1, 100, note);
	assert_int_equal(nr_got, 1);
	assert_int_equal(got[0], c);
}

static void test_bad_frames(void **state)
{
	mfn_t own = ht_domain_page(d1), others = ht_domain_page(d0), table = ht_domain_page(d1);
	struct evtchn_init_control ic = {.control_gfn = mfn_x(own), .vcpu = VCPUS};

	spin_lock(&d1->pt_lock);
	assert_int_equal(page_get_and_type(mfn_to_page(table), d1, PGT_l1), 0);
	spin_unlock(&d1->pt_lock);
	assert_int_equal(init_control(0, others, 0), -EINVAL);
	assert_int_equal(init_control(0, _mfn(~0UL), 0), -EINVAL);
	assert_int_equal(init_control(0, table, 0), -EBUSY); /* never a page table */
	assert_int_equal(init_control(0, own, 4), -EINVAL);
	assert_int_equal(init_control(0, own, 4096 - 64), -EINVAL);
	assert_int_equal(init_control(0, own, ~0U & ~7U), -EINVAL);
	assert_int_equal(op(EVTCHNOP_init_control, &ic), -ENOENT);
	assert_string_equal("2-level", d1->evtchn_fifo ? "FIFO" : "2-level");
	assert_int_equal(init_control(0, own, 4096 - 72), 0);
	assert_int_equal(init_control(0, own, 0), -EINVAL); /* has one */
	assert_int_equal(init_control(1, own, 0), 0); /* in the same frame */
	assert_int_equal(expand_array(others), -EINVAL);
	assert_int_equal(expand_array(_mfn(HT_FRAMES - 1)), -EINVAL);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(expand_array(ht_domain_page(d1)), 0);
	assert_int_equal(expand_array(own), -EINVAL); /* 4096 ports are the limit */
	/* In use by us: never a page table while that lasts. */
	spin_lock(&d1->pt_lock);
	assert_int_equal(page_get_and_type(mfn_to_page(own), d1, PGT_l1), -EBUSY);
	assert_int_equal(page_put_and_type(mfn_to_page(table)), 0);
	spin_unlock(&d1->pt_lock);
}

static void test_reset(void **state)
{
	struct evtchn_reset r = {.dom = DOMID_SELF};
	evtchn_port_t p = 0;
	mfn_t cb = ht_domain_page(d1);

	/* Pending while the ABI changes: its bit is of no use from then on, nor its selector. */
	send_port(bind_ipi(0));
	assert_int_equal(d1->vcpu[0]->vcpu_info->evtchn_pending_sel, 1);
	assert_int_equal(init_control(0, cb, 0), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(expand_array(ht_domain_page(d1)), 0);
	while (p < 3000)
		p = bind_ipi(0);
	unmask(p);
	send_port(p);
	consume(0, 100, NULL);
	ht_kicks[0] = 0;
	assert_int_equal(op(EVTCHNOP_reset, &r), 0);
	assert_int_equal(page_type_count(mfn_to_page(cb)), 0);
	assert_int_equal(d1->evtchn_count, 0);
	/* 2-level again; the numbers beyond 4096 are valid for ever, but nothing. */
	p = bind_ipi(0);
	assert_int_equal(p, 1);
	assert_false(test_bit(1, d1->shared_info->evtchn_pending));
	send_port(p);
	assert_true(test_bit(1, d1->shared_info->evtchn_pending));
	assert_int_equal(ht_kicks[0], 1);
	array_pages = 0;
	start_fifo(2);
}

/* An event for a vCPU that has no control block comes when the port goes to one that has. */
/* Whichever allocation fails: nothing is held, and it goes well the next time. */
static void test_without_memory(void **state)
{
	mfn_t mfn = ht_domain_page(d1);
	struct page_info *pg = mfn_to_page(mfn);
	unsigned int failed = 0;
	long rc = -ENOMEM;

	for (unsigned long n = 0; rc; n++) {
		ht_leave_free(n);
		rc = init_control(0, mfn, 0);
		ht_free_all();
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(page_type_count(pg), 0);
		assert_int_equal(pg->count & PGC_count_mask, 1);
		assert_null(d1->vcpu[0]->evtchn_fifo);
		failed++;
		assert_true(n < 10);
	}
	assert_true(failed > 0);
	assert_int_equal(page_type_count(pg), 1);
	/* A second one is refused, and takes nothing. */
	assert_int_equal(init_control(0, mfn, 0), -EINVAL);
	assert_int_equal(page_type_count(pg), 1);
}

/* The report shows pending and masked ports of this ABI, and the audit its frames. */
static void test_report(void **state)
{
	evtchn_port_t pending, masked, beyond;
	char line[80];

	start_fifo(1);
	pending = bind_ipi(0);
	masked = bind_ipi(0);
	unmask(pending);
	send_port(pending);
	assert_int_equal(set_priority(masked, 3), 0);
	*ht_log = 0;
	evtchn_dump(d1);
	snprintf(line, sizeof(line), "%6u P- v0 prio 7: ipi 0\n", pending);
	assert_non_null(strstr(ht_log, line));
	snprintf(line, sizeof(line), "%6u -M v0 prio 3: ipi 0\n", masked);
	assert_non_null(strstr(ht_log, line));
	/* A port without a word counts as masked, and isn't looked for. */
	for (beyond = masked; beyond < 1024;)
		beyond = bind_ipi(0);
	*ht_log = 0;
	evtchn_dump(d1);
	assert_non_null(strstr(ht_log, "FIFO event channels"));
	ht_audit();
}

static void test_goes_to_another(void **state)
{
	struct evtchn_bind_interdomain b = {.remote_dom = 0};
	struct evtchn_bind_vcpu bv = {.vcpu = 1};

	start_fifo(1);
	assert_int_equal(evtchn_alloc_unbound(d0, 1, &b.remote_port), 0);
	assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), 0);
	unmask(b.local_port);
	assert_int_equal(consume(0, 10, NULL), 1);
	bv.port = b.local_port;
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), 0);
	assert_int_equal(evtchn_send(d0, b.remote_port), 0);
	assert_int_equal(consume(0, 10, NULL), 0);
	bv.vcpu = 0;
	assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), 0);
	assert_int_equal(consume(0, 10, NULL), 1);
	assert_false(*word(b.local_port) & PENDING);
}

/* A port whose word is still in a queue isn't given to another use. */
static void test_closed_while_queued(void **state)
{
	evtchn_port_t a, b;
	struct evtchn_close c;

	start_fifo(1);
	a = bind_ipi(0);
	b = bind_ipi(0);
	unmask(a);
	unmask(b);
	send_port(a);
	send_port(b);
	c.port = a;
	assert_int_equal(op(EVTCHNOP_close, &c), 0);
	assert_int_equal(bind_ipi(0), b + 1);
	nr_got = 0;
	consume(0, 100, note);
	assert_int_equal(nr_got, 1); /* a's event has gone with it */
	assert_int_equal(got[0], b);
	assert_int_equal(bind_ipi(0), a);
}

/* Port a is the tail of one queue when it moves to another. */
static void test_tail_moves(void **state)
{
	evtchn_port_t a, b, c;

	start_fifo(1);
	a = bind_ipi(0);
	b = bind_ipi(0);
	c = bind_ipi(0);
	unmask(a);
	unmask(b);
	unmask(c);
	send_port(b);
	send_port(a);
	consume(0, 100, NULL);
	assert_int_equal(set_priority(a, 2), 0);
	send_port(a); /* queue 2; it was queue 7's tail */
	send_port(b); /* queue 7, not behind a */
	send_port(c);
	nr_got = 0;
	consume(0, 100, note);
	assert_int_equal(nr_got, 3);
	assert_int_equal(got[0], a);
	assert_int_equal(got_prio[0], 2);
	assert_int_equal(got[1], b);
	assert_int_equal(got_prio[1], 7);
	assert_int_equal(got[2], c);
}

static unsigned int rnd(unsigned int n)
{
	static uint64_t seed = 4711;

	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(seed >> 33) % n;
}

/* Whatever is in the words, we neither crash nor write outside of the guest's frames. */
static void test_hostile_words(void **state)
{
	mfn_t cb = ht_domain_page(d1), words = ht_domain_page(d1), guard = ht_domain_page(d1);
	evtchn_port_t p[200];

	assert_int_equal(init_control(0, cb, 0), 0);
	assert_int_equal(expand_array(words), 0);
	for (unsigned int i = 0; i < 200; i++)
		p[i] = bind_ipi(0);
	for (unsigned int i = 0; i < 100000; i++) {
		evtchn_port_t q = p[rnd(200)];

		switch (rnd(6)) {
		case 0:
			*word(rnd(1024)) = rnd(~0U);
			break;
		case 1:
			*word(q) = rnd(2) ? LINKED | rnd(1 << 17) : BUSY;
			break;
		case 2:
			block[0]->ready = rnd(~0U);
			block[0]->head[rnd(16)] = rnd(~0U);
			break;
		case 3:
			assert_int_equal(set_priority(q, rnd(16)), 0);
			break;
		default:
			send_port(q);
		}
	}
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((char *)mfn_to_virt(guard))[i], 0);
	for (unsigned int i = sizeof(*block[0]); i < PAGE_SIZE; i++)
		assert_int_equal(((char *)mfn_to_virt(cb))[i], 0);
}

/* ---- random: nothing is lost, nothing is invented --------------------------------- */

#define PORTS 60

static evtchn_port_t local[PORTS], remote[PORTS];
static bool sent[4096]; /* and not delivered yet */

static void delivered(unsigned int vcpu, unsigned int prio, evtchn_port_t port)
{
	assert_true(sent[port]);
	sent[port] = false;
}

static void connect_ports(void)
{
	for (unsigned int i = 0; i < PORTS; i++) {
		struct evtchn_bind_interdomain b = {.remote_dom = 0};

		assert_int_equal(evtchn_alloc_unbound(d0, 1, &remote[i]), 0);
		b.remote_port = remote[i];
		assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), 0);
		local[i] = b.local_port;
		sent[b.local_port] = true; /* pending from the start */
	}
}

static void random_step(void)
{
	unsigned int i = rnd(PORTS);
	struct evtchn_bind_vcpu bv = {.port = local[i], .vcpu = rnd(VCPUS)};

	switch (rnd(10)) {
	case 0:
		assert_int_equal(op(EVTCHNOP_bind_vcpu, &bv), 0);
		break;
	case 1:
		assert_int_equal(set_priority(local[i], rnd(16)), 0);
		break;
	case 2:
		*word(local[i]) |= MASKED;
		break;
	case 3:
		unmask(local[i]);
		break;
	case 4:
	case 5:
		consume(rnd(VCPUS), rnd(6), delivered);
		break;
	default:
		ht_run(d0, 0);
		send_port(remote[i]);
		ht_run(d1, 0);
		sent[local[i]] = true;
	}
}

static void drain(void)
{
	for (unsigned int i = 0; i < PORTS; i++)
		unmask(local[i]);
	for (unsigned int v = 0; v < VCPUS; v++) {
		/* If there is something, the vCPU has been told. */
		if (block[v]->ready)
			assert_int_equal(d1->vcpu[v]->vcpu_info->evtchn_upcall_pending, 1);
		consume(v, ~0U, delivered);
	}
	for (unsigned int i = 0; i < PORTS; i++) {
		assert_false(sent[local[i]]);
		assert_int_equal(*word(local[i]), 0);
	}
}

static void test_random(void **state)
{
	start_fifo(VCPUS);
	connect_ports();
	for (unsigned int round = 0; round < 200; round++) {
		for (unsigned int i = 0; i < 500; i++)
			random_step();
		drain();
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_order_and_priorities),
		T(test_mask),
		T(test_switch_of_abi),
		T(test_bad_frames),
		T(test_reset),
		T(test_without_memory),
		T(test_report),
		T(test_goes_to_another),
		T(test_closed_while_queued),
		T(test_tail_moves),
		T(test_hostile_words),
		T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
