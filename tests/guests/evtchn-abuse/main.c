/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Event channels under a guest that lies: control blocks and array pages in frames that
 * aren't its own, are tables or are given back; links and heads written at random by one
 * vCPU while the other sends; ports opened, closed, moved and sent to by both; lists to
 * poll that change; everything reset in between. Nobody else gets an event, no send takes
 * long, and afterwards the channels work. Tries E1, E2, E3, E4, R2, S2; the classes of XSA-46,
 * -47, -107, -221, -295, -338, -342, -343, -344, -358, -359, -505.
 */
#include "lib/guest.h"

const char test_title[] = "Event channels and their arrays";

#define PAGES 4
#define PORTS 24

static char *pages[PAGES], *control;
static volatile unsigned long sent, slow;

static long op(unsigned int cmd, void *arg)
{
	return hypercall(event_channel_op, cmd, arg);
}

static long init_control(unsigned long gfn, uint32_t offset, uint32_t vcpu)
{
	struct evtchn_init_control init = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu};

	return op(EVTCHNOP_init_control, &init);
}

static long expand(unsigned long gfn)
{
	struct evtchn_expand_array e = {.array_gfn = gfn};

	return op(EVTCHNOP_expand_array, &e);
}

/* Frames that can't be it */
static void bad_frames(void)
{
	static const unsigned long bad[] = {0, 0x100, 0xffffffffffUL, ~0UL, 1UL << 51};
	unsigned long root = virt_to_mfn((void *)start_info->pt_base);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect(init_control(bad[i], 0, 0) < 0);
	expect(init_control(root, 0, 0) < 0);
	expect(init_control(virt_to_mfn(control), ~7U, 0) < 0);
	expect(init_control(virt_to_mfn(control), 4096 - 8, 0) < 0);
	expect(init_control(virt_to_mfn(control), 3, 0) < 0);
	expect(init_control(virt_to_mfn(control), 0, ~0U) < 0);
	expect(expand(virt_to_mfn(pages[0])) < 0);
	expect_eq(init_control(virt_to_mfn(control), 0, 0), 0);
	expect(init_control(virt_to_mfn(control), 1024, 0) < 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect(expand(bad[i]) < 0);
	expect(expand(root) < 0);
}

/* What the hypervisor writes to stays writable, and ours, whatever we do with it. */
static void held(void)
{
	xen_pfn_t frame = virt_to_mfn(control);
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

	expect_eq(make_readonly(control), 0);
	expect(pin_table(control, 1) < 0);
	expect(pin_table(control, 4) < 0);
	expect(hypercall(set_gdt, &frame, 512) < 0);
	expect_eq(make_writable(control), 0);
	/* Given back, it is still the one that is written to. */
	set_xen_guest_handle(r.extent_start, &frame);
	hypercall(memory_op, XENMEM_decrease_reservation, &r);
	expect(PROBE("movq $0, (%0)", : : "r"(control + 2048) : "memory"));
}

static evtchn_port_t any_port(void)
{
	return 3 + (evtchn_port_t)(random64() % PORTS);
}

/* Everything that may be done to a port, but to the tools' first two */
static void use(unsigned long turn)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = any_port()};
	struct evtchn_close close = {.port = any_port()};
	struct evtchn_send send = {.port = any_port()};
	struct evtchn_bind_vcpu vcpu = {.port = any_port(), .vcpu = (uint32_t)random64() % 3};
	struct evtchn_bind_ipi ipi = {.vcpu = (uint32_t)random64() % 3};
	struct evtchn_unmask unmask = {.port = any_port()};
	struct evtchn_set_priority prio = {.port = any_port(),
					   .priority = (uint32_t)random64() % 17};
	uint64_t start;

	switch (random64() % 10) {
	case 0:
		op(EVTCHNOP_alloc_unbound, &alloc);
		break;
	case 1:
		op(EVTCHNOP_bind_interdomain, &bind);
		break;
	case 2:
		op(EVTCHNOP_close, &close);
		break;
	case 3:
		op(EVTCHNOP_bind_vcpu, &vcpu);
		break;
	case 4:
		op(EVTCHNOP_bind_ipi, &ipi);
		break;
	case 5:
		op(EVTCHNOP_unmask, &unmask);
		break;
	case 6:
		op(EVTCHNOP_set_priority, &prio);
		break;
	default:
		start = rdtsc();
		sent += op(EVTCHNOP_send, &send) == 0;
		slow += rdtsc() - start > 4000000000UL;
		break;
	}
}

/* The guest's half of the protocol, at random */
static void scribble(unsigned long turn)
{
	uint32_t *words = (uint32_t *)pages[0];
	struct evtchn_fifo_control_block *block = (void *)control;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		uint32_t *word = &words[random64() % (PORTS + 3)];

		switch (random64() % 6) {
		case 0:
			*word = (uint32_t)random64();
			break;
		case 1:
			__atomic_fetch_or(word, 1U << EVTCHN_FIFO_LINKED, __ATOMIC_SEQ_CST);
			break;
		case 2:
			__atomic_fetch_and(word, (uint32_t)random64(), __ATOMIC_SEQ_CST);
			break;
		case 3:
			block->head[random64() % 16] = (uint32_t)random64();
			break;
		case 4:
			block->ready = (uint32_t)random64();
			break;
		default:
			*word = 0;
			break;
		}
	}
	use(turn);
}

static void poll_changing(void)
{
	static evtchn_port_t list[128];
	struct sched_poll poll = {.nr_ports = 128, .timeout = 1};
	unsigned int i;

	set_xen_guest_handle(poll.ports, list);
	for (i = 0; i < 50; i++) {
		list[i] = (evtchn_port_t)random64();
		hypercall(sched_op, SCHEDOP_poll, &poll);
	}
	poll.nr_ports = 129;
	expect(hypercall(sched_op, SCHEDOP_poll, &poll) < 0);
}

static bool close_all(void)
{
	evtchn_port_t port;

	memset(pages[0], 0, PAGE_SIZE);
	for (port = 3; port < 3 + PORTS; port++) {
		struct evtchn_close close = {.port = port};

		op(EVTCHNOP_close, &close);
	}
	return true;
}

/* As it was before: an event arrives. */
static void works(void)
{
	uint32_t *words = (uint32_t *)pages[0];
	evtchn_port_t a, b;

	close_all();
	a = evtchn_alloc(DOMID_SELF);
	b = evtchn_connect(a);
	expect(b < PAGE_SIZE / 4);
	words[b] = 0;
	expect_eq(evtchn_send(a), 0);
	expect(words[b] & 1U << EVTCHN_FIFO_PENDING);
	expect_eq(evtchn_close(b), 0);
	expect_eq(evtchn_close(a), 0);
}

/* All array pages there may be, and more */
static void expand_all(void)
{
	unsigned int i, n = 0;

	expect_eq(expand(virt_to_mfn(pages[0])), 0);
	for (i = 0; i < 300; i++)
		n += expand(virt_to_mfn(pages[1 + i % 3])) == 0;
	expect(n < 200);
}

void test_main(void)
{
	unsigned int i;

	evtchn_mask_all();
	control = alloc_page();
	for (i = 0; i < PAGES; i++)
		pages[i] = alloc_page();
	race(300, use, use); /* still 2-level */
	poll_changing();
	bad_frames();
	expand_all();
	race(700, use, scribble);
	works();
	poll_changing();
	held();
	works();
	printf("%lu events sent\n", sent);
	expect(sent > 0);
	expect_eq(slow, 0);
}
