/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The FIFO event ABI: what a kernel finds in event words, control block and
 * queues after each step. Ports bound before the switch go on working.
 */
#include "lib/guest.h"

const char test_title[] = "Event channels, FIFO";

#define PENDING (1U << EVTCHN_FIFO_PENDING)
#define MASKED  (1U << EVTCHN_FIFO_MASKED)
#define LINKED  (1U << EVTCHN_FIFO_LINKED)

static event_word_t *words;
static struct evtchn_fifo_control_block *control;

static uint32_t word(evtchn_port_t port)
{
	return __atomic_load_n(&words[port], __ATOMIC_ACQUIRE);
}

/* Takes the head of a queue as a kernel does; 0 if it is empty. */
static evtchn_port_t take(unsigned int priority)
{
	evtchn_port_t port = control->head[priority];
	uint32_t old;

	if (!(control->ready & 1U << priority))
		return 0;
	old = __atomic_fetch_and(&words[port], ~(LINKED | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
	control->head[priority] = old & EVTCHN_FIFO_LINK_MASK;
	if (!control->head[priority])
		__atomic_fetch_and(&control->ready, ~(1U << priority), __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
	return port;
}

static void change_abi(void)
{
	struct evtchn_init_control init = {.vcpu = 0, .offset = 0};
	struct evtchn_expand_array expand;

	words = alloc_page();
	control = alloc_page();
	expand.array_gfn = virt_to_mfn(words);
	expect_eq(hypercall(event_channel_op, EVTCHNOP_expand_array, &expand), -XEN_EOPNOTSUPP);
	init.control_gfn = virt_to_mfn(control);
	init.offset = 4;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_init_control, &init), -XEN_EINVAL);
	init.offset = 4096 - 64;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_init_control, &init), -XEN_EINVAL);
	init.offset = 0;
	init.vcpu = 8192;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_init_control, &init), -XEN_ENOENT);
	init.vcpu = 0;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_init_control, &init), 0);
	expect_eq(init.link_bits, EVTCHN_FIFO_LINK_BITS);
	expect_eq(hypercall(event_channel_op, EVTCHNOP_expand_array, &expand), 0);
}

static void one_event(evtchn_port_t a, evtchn_port_t b)
{
	unsigned int before = event_count, p = EVTCHN_FIFO_PRIORITY_DEFAULT;

	expect_eq(word(b) & (PENDING | LINKED), 0);
	interrupts_on();
	expect_eq(evtchn_send(a), 0);
	expect_eq(event_count, before + 1);
	expect_eq(word(b), PENDING | LINKED);
	expect(control->ready & 1U << p);
	expect_eq(control->head[p], b);
	expect_eq(evtchn_send(a), 0);
	expect_eq(event_count, before + 1);
	interrupts_off();
	expect_eq(take(p), b);
	expect_eq(take(p), 0);
	expect_eq(word(b), 0);
}

static void masking(evtchn_port_t a, evtchn_port_t b)
{
	unsigned int p = EVTCHN_FIFO_PRIORITY_DEFAULT;

	__atomic_fetch_or(&words[b], MASKED, __ATOMIC_SEQ_CST);
	expect_eq(evtchn_send(a), 0);
	expect_eq(word(b), PENDING | MASKED);
	expect_eq(take(p), 0);
	expect_eq(evtchn_unmask(b), 0);
	expect_eq(word(b), PENDING | LINKED);
	expect_eq(take(p), b);
}

static void queues(void)
{
	evtchn_port_t a[4], b[4];
	struct evtchn_set_priority set;
	unsigned int i, p = EVTCHN_FIFO_PRIORITY_DEFAULT;

	for (i = 0; i < 4; i++) {
		a[i] = evtchn_alloc(DOMID_SELF);
		b[i] = evtchn_connect(a[i]);
		evtchn_unmask(b[i]);
	}
	while (take(p))
		;
	for (i = 0; i < 4; i++)
		expect_eq(evtchn_send(a[3 - i]), 0);
	for (i = 0; i < 4; i++)
		expect_eq(take(p), b[3 - i]); /* in the order of arrival */
	expect_eq(take(p), 0);

	set.port = b[0];
	set.priority = EVTCHN_FIFO_PRIORITY_MAX;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_set_priority, &set), 0);
	expect_eq(evtchn_send(a[0]), 0);
	expect_eq(control->ready, 1U << EVTCHN_FIFO_PRIORITY_MAX);
	expect_eq(take(EVTCHN_FIFO_PRIORITY_MAX), b[0]);
	set.priority = EVTCHN_FIFO_PRIORITY_MIN + 1;
	expect_eq(hypercall(event_channel_op, EVTCHNOP_set_priority, &set), -XEN_EINVAL);
	for (i = 0; i < 4; i++) {
		expect_eq(evtchn_close(b[i]), 0);
		expect_eq(evtchn_close(a[i]), 0);
	}
}

/* A masked port that is pending ends a poll. */
static void polling(evtchn_port_t a, evtchn_port_t b)
{
	struct sched_poll poll = {.nr_ports = 1};

	set_xen_guest_handle(poll.ports, &b);
	__atomic_fetch_or(&words[b], MASKED, __ATOMIC_SEQ_CST);
	expect_eq(evtchn_send(a), 0);
	expect_eq(hypercall(sched_op, SCHEDOP_poll, &poll), 0);
	__atomic_fetch_and(&words[b], ~PENDING, __ATOMIC_SEQ_CST);
}

/* A port that is closed in a queue is nobody's until it was taken out. */
static void closed_in_a_queue(void)
{
	evtchn_port_t a = evtchn_alloc(DOMID_SELF), b = evtchn_connect(a), next[4];
	unsigned int p = EVTCHN_FIFO_PRIORITY_DEFAULT, i;

	evtchn_unmask(b);
	while (take(p))
		;
	expect_eq(evtchn_send(a), 0);
	expect(word(b) & LINKED);
	expect_eq(evtchn_close(b), 0);
	for (i = 0; i < ARRAY_SIZE(next); i++) {
		next[i] = evtchn_alloc(DOMID_SELF);
		expect(next[i] != b);
	}
	expect_eq(take(p), b);
	for (i = 0; i < ARRAY_SIZE(next); i++)
		expect_eq(evtchn_close(next[i]), 0);
	expect_eq(evtchn_close(a), 0);
}

void test_main(void)
{
	evtchn_port_t a, b;
	unsigned int p = EVTCHN_FIFO_PRIORITY_DEFAULT;

	evtchn_mask_all();
	a = evtchn_alloc(DOMID_SELF);
	b = evtchn_connect(a);
	evtchn_clear(b);
	change_abi();
	evtchn_unmask(b);
	while (take(p))
		;
	control->ready = 0;
	words[start_info->console.domU.evtchn] |= MASKED;
	words[start_info->store_evtchn] |= MASKED;
	vcpu_info->evtchn_upcall_pending = 0;
	one_event(a, b);
	masking(a, b);
	queues();
	closed_in_a_queue();
	polling(a, b);
}
