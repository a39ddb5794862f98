/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer on the event channels of three domains, in the 2-level and the FIFO ABI,
 * with a model that says what each operation answers and which events there are. At
 * the end the guests look at all of their queues: nothing that was raised is lost.
 */
#include <stdint.h>

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>
#include <hosttest/machine.h>

#include "model.h"

#define RAM       512
#define PENDING   (1U << EVTCHN_FIFO_PENDING)
#define MASKED    (1U << EVTCHN_FIFO_MASKED)
#define LINKED    (1U << EVTCHN_FIFO_LINKED)
#define LINK_MASK ((uint32_t)EVTCHN_FIFO_LINK_MASK)

static const uint8_t *input, *input_end;
static unsigned int me;

static unsigned int next(void)
{
	return input < input_end ? *input++ : 0;
}

static long hypercall(int cmd, void *arg)
{
	long rc = do_event_channel_op(cmd, ht_va(arg));

	for (unsigned int i = 0; rc == HT_CONTINUED; i++) {
		if (i == 1000)
			panic("operation %d doesn't end", cmd);
		rc = do_event_channel_op((int)ht_continuation.arg[0], ht_continuation.arg[1]);
	}
	return rc;
}

static void expect(long rc, int want, uint32_t port, const char *what)
{
	if (rc != (want < 0 ? want : 0) || (want > 0 && port != (uint32_t)want))
		panic("%s by d%u: %ld, port %u; the model says %d", what, me, rc, port, want);
}

static unsigned int some_port(void)
{
	static const uint32_t odd[] = {0, 63, 64, 65, 69, 70, 71, 127, 128, 4095, 4096, ~0U};
	unsigned int n = next();

	return n < 0xd0 ? 1 + n % 8 : odd[n % ARRAY_SIZE(odd)];
}

static unsigned int some_domain(void)
{
	unsigned int n = next();

	return n < 0xe0 ? n % MODEL_DOMAINS : n & 1 ? DOMID_SELF : 50;
}

static unsigned int some_virq(void)
{
	static const uint8_t virqs[] = {VIRQ_TIMER, VIRQ_DEBUG, VIRQ_DOM_EXC, VIRQ_CONSOLE, 23, 24};

	return virqs[next() % ARRAY_SIZE(virqs)];
}

/* ---- operations ------------------------------------------------------------------------- */

static void do_alloc_unbound(void)
{
	struct evtchn_alloc_unbound a = {.dom = (domid_t)some_domain(),
					 .remote_dom = (domid_t)some_domain()};
	int want = model_alloc_unbound(me, a.dom, a.remote_dom);

	expect(hypercall(EVTCHNOP_alloc_unbound, &a), want, a.port, "alloc_unbound");
}

static void do_bind_interdomain(void)
{
	struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)some_domain(),
					    .remote_port = some_port()};
	int want = model_bind_interdomain(me, b.remote_dom, b.remote_port);

	expect(hypercall(EVTCHNOP_bind_interdomain, &b), want, b.local_port, "bind_interdomain");
}

static void do_bind_virq(void)
{
	struct evtchn_bind_virq b = {.virq = some_virq(), .vcpu = next() % 6};
	int want = model_bind_virq(me, b.virq, b.vcpu);

	expect(hypercall(EVTCHNOP_bind_virq, &b), want, b.port, "bind_virq");
}

static void do_bind_ipi(void)
{
	struct evtchn_bind_ipi b = {.vcpu = next() % 5};
	int want = model_bind_ipi(me, b.vcpu);

	expect(hypercall(EVTCHNOP_bind_ipi, &b), want, b.port, "bind_ipi");
}

static void do_bind_pirq(void)
{
	struct evtchn_bind_pirq b = {.pirq = next() % 2 ? 3 : next()};
	int want = model_bind_pirq(me, b.pirq);

	expect(hypercall(EVTCHNOP_bind_pirq, &b), want, b.port, "bind_pirq");
}

static void do_close(void)
{
	struct evtchn_close c = {.port = some_port()};
	int want = model_close(me, c.port);

	expect(hypercall(EVTCHNOP_close, &c), want, c.port, "close");
}

static void do_send(void)
{
	struct evtchn_send s = {.port = some_port()};
	int want = model_send(me, s.port);

	expect(hypercall(EVTCHNOP_send, &s), want, s.port, "send");
}

static void do_status(void)
{
	struct evtchn_status st = {.dom = (domid_t)some_domain(), .port = some_port()};
	const struct model_port *p;
	unsigned int d;
	int want = model_target(me, st.dom, false, &d);
	bool ok;

	if (!want && (!st.port || st.port >= model[d].d->valid_evtchns))
		want = -EINVAL;
	expect(hypercall(EVTCHNOP_status, &st), want, 0, "status");
	if (want || st.port >= MODEL_PORTS)
		return;
	p = &model[d].port[st.port];
	ok = st.status == p->status && st.vcpu == (p->status ? p->vcpu : 0);
	switch (p->status) {
	case EVTCHNSTAT_unbound:
		ok = ok && st.u.unbound.dom == p->dom;
		break;
	case EVTCHNSTAT_interdomain:
		ok = ok && st.u.interdomain.dom == p->dom && st.u.interdomain.port == p->port;
		break;
	case EVTCHNSTAT_pirq:
	case EVTCHNSTAT_virq:
		ok = ok && st.u.virq == p->data;
		break;
	default:
		break;
	}
	if (!ok)
		panic("status of d%u's port %u", d, st.port);
}

static void do_bind_vcpu(void)
{
	struct evtchn_bind_vcpu b = {.port = some_port(), .vcpu = next() % 5};

	expect(hypercall(EVTCHNOP_bind_vcpu, &b), model_bind_vcpu(me, b.port, b.vcpu), 0,
	       "bind_vcpu");
}

static void do_unmask(void)
{
	struct evtchn_unmask u = {.port = some_port()};
	bool in_range = u.port && u.port < model[me].d->valid_evtchns;

	expect(hypercall(EVTCHNOP_unmask, &u), in_range ? 0 : -EINVAL, 0, "unmask");
	if (in_range && u.port < MODEL_PORTS && model[me].port[u.port].status &&
	    (!model[me].fifo || model[me].words) && model_masked(me, u.port))
		panic("d%u's port %u is masked still", me, u.port);
}

static void do_mask(void)
{
	unsigned int n = next(), port = 1 + (n < 0xc0 ? n % 8 : n % (MODEL_PORTS - 1));

	if (!model[me].fifo)
		set_bit(port, model[me].d->shared_info->evtchn_mask);
	else if (model[me].words)
		__atomic_fetch_or(&model[me].words[port], MASKED, __ATOMIC_SEQ_CST);
}

static void do_reset(void)
{
	struct evtchn_reset r = {.dom = (domid_t)some_domain()};
	unsigned int d;
	int want = model_target(me, r.dom, false, &d);

	if (!want && next() < 0x80)
		return;
	expect(hypercall(EVTCHNOP_reset, &r), want, 0, "reset");
	if (!want)
		model_close_all(d);
}

static void do_virq(void)
{
	unsigned int virq = some_virq() % 24, d = next() % MODEL_DOMAINS,
		     vcpu = next() % model[d].vcpus;

	if (next() & 1 && model_virq_is_global(virq)) {
		evtchn_send_global_virq(virq);
		model_raise_virq(0, virq, 0);
	} else {
		evtchn_send_virq(model[d].d->vcpu[vcpu], virq);
		model_raise_virq(d, virq, vcpu);
	}
}

/* ---- FIFO -------------------------------------------------------------------------------- */

static void do_init_control(void)
{
	struct model_domain *m = &model[me];
	unsigned int vcpu = next() % 5;
	mfn_t mfn = ht_domain_page(m->d);
	struct evtchn_init_control ic = {.control_gfn = mfn_x(mfn),
					 .vcpu = vcpu,
					 .offset = next() % 4 * 1024 + next() / 250};
	bool bad = ic.offset % 8 || ic.offset > PAGE_SIZE - sizeof(*m->block[0]);
	int want = vcpu >= m->vcpus ? -ENOENT : bad || m->block[vcpu] ? -EINVAL : 0;

	expect(hypercall(EVTCHNOP_init_control, &ic), want, 0, "init_control");
	ht_domain_page_release(mfn);
	if (want)
		return;
	m->fifo = true;
	m->block[vcpu] = (void *)((char *)mfn_to_virt(mfn) + ic.offset);
}

static void do_expand_array(void)
{
	struct model_domain *m = &model[me];
	mfn_t mfn = ht_domain_page(m->d);
	struct evtchn_expand_array ea = {.array_gfn = mfn_x(mfn)};
	int want = !m->fifo ? -EOPNOTSUPP : m->words ? -EINVAL : 0;
	unsigned int n = next();

	for (unsigned int i = 0; i < MODEL_PORTS; i++)
		((event_word_t *)mfn_to_virt(mfn))[i] = n >> i % 8 & 1 ? MASKED : 0;
	if (!want)
		m->words = mfn_to_virt(mfn);
	expect(hypercall(EVTCHNOP_expand_array, &ea), want, 0, "expand_array");
	ht_domain_page_release(mfn);
}

static void do_set_priority(void)
{
	struct evtchn_set_priority sp = {.port = some_port(), .priority = next() % 18};
	bool in_range = sp.port && sp.port < model[me].d->valid_evtchns && sp.priority <= 15;
	bool bound = sp.port < MODEL_PORTS && model[me].port[sp.port].status;

	expect(hypercall(EVTCHNOP_set_priority, &sp),
	       !in_range         ? -EINVAL
	       : !model[me].fifo ? -ENOSYS
	       : bound           ? 0
				 : -EINVAL,
	       0, "set_priority");
}

static void handle(unsigned int dom, unsigned int port)
{
	struct model_port *p = &model[dom].port[port];

	if (!p->pending || !p->status)
		panic("d%u sees an event on port %u that nobody raised", dom, port);
	p->pending = false;
}

/* Takes all that is in a queue, as Linux does. */
static void drain_queue(unsigned int dom, unsigned int vcpu, unsigned int prio)
{
	struct model_domain *m = &model[dom];
	uint32_t port = m->block[vcpu]->head[prio];

	for (unsigned int i = 0; port; i++) {
		uint32_t w = m->words[port];

		if (!(w & LINKED) || i > MODEL_PORTS)
			panic("d%u's queue %u of vCPU %u has port %u with %#x", dom, prio, vcpu,
			      port, w);
		m->words[port] = w & ~(LINKED | LINK_MASK);
		if ((w & (PENDING | MASKED)) == PENDING) {
			m->words[port] &= ~PENDING;
			handle(dom, port);
		}
		port = w & LINK_MASK;
	}
}

static void drain_fifo(unsigned int dom, unsigned int vcpu)
{
	struct evtchn_fifo_control_block *b = model[dom].block[vcpu];

	if (!b || !model[dom].words)
		return;
	while (b->ready) {
		unsigned int prio = bit_first(b->ready);

		b->ready &= ~(1U << prio);
		drain_queue(dom, vcpu, prio);
	}
}

static void drain_2l(unsigned int dom, unsigned int vcpu)
{
	struct shared_info *si = model[dom].d->shared_info;
	struct vcpu_info *vi = &si->vcpu_info[vcpu];
	unsigned long sel = vi->evtchn_pending_sel;

	vi->evtchn_pending_sel = 0;
	for (; sel; sel &= sel - 1) {
		unsigned int w = bit_first(sel);

		for (unsigned long m; (m = si->evtchn_pending[w] & ~si->evtchn_mask[w]);) {
			unsigned int port = w * 64 + bit_first(m);

			clear_bit(port, si->evtchn_pending);
			handle(dom, port);
		}
	}
}

static void drain(unsigned int dom, unsigned int vcpu)
{
	struct domain *d = model[dom].d;

	if (vcpu >= model[dom].vcpus)
		return;
	d->vcpu[vcpu]->vcpu_info->evtchn_upcall_pending = 0;
	if (model[dom].fifo)
		drain_fifo(dom, vcpu);
	else
		drain_2l(dom, vcpu);
}

static void do_drain(void)
{
	drain(me, next() % MODEL_VCPUS);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void do_kill(void)
{
	unsigned int n = next(), d = 1 + n % 2;

	if (me || n < 0xe0 || model[d].dead)
		return;
	ht_domain_dying(model[d].d);
	while (evtchn_destroy(model[d].d))
		;
	model_close_all(d);
	model[d].dead = true;
}

static void make_world(void)
{
	static const uint8_t vcpus[MODEL_DOMAINS] = {2, 4, 1};

	memset(model, 0, sizeof(model));
	memset(ht_pirq_port, 0, sizeof(ht_pirq_port));
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++) {
		model[i].d = ht_domain_new(i, vcpus[i], MODEL_PORTS - 2 - 60 * (i == 2));
		model[i].vcpus = vcpus[i];
	}
}

static void all_is_delivered(void)
{
	for (unsigned int d = 0; d < MODEL_DOMAINS; d++) {
		for (unsigned int v = 0; v < MODEL_VCPUS; v++)
			drain(d, v);
		for (unsigned int p = 1; p < MODEL_PORTS; p++) {
			const struct model_port *mp = &model[d].port[p];

			/* It waits for what the guest has to give first. */
			if (model[d].fifo && (!model[d].words || !model[d].block[mp->vcpu]))
				continue;
			if (mp->pending && !model_masked(d, p))
				panic("d%u's event on port %u is lost", d, p);
		}
	}
}

static void end_world(void)
{
	ht_run(model[0].d, 0);
	all_is_delivered();
	model_compare();
	for (unsigned int i = MODEL_DOMAINS; i--;) {
		ht_domain_dying(model[i].d);
		while (evtchn_destroy(model[i].d))
			;
	}
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++)
		ht_domain_free(model[i].d);
}

static void (*const ops[])(void) = {
	do_alloc_unbound,
	do_alloc_unbound,
	do_bind_interdomain,
	do_bind_interdomain,
	do_bind_virq,
	do_bind_ipi,
	do_bind_pirq,
	do_close,
	do_send,
	do_send,
	do_status,
	do_bind_vcpu,
	do_unmask,
	do_mask,
	do_reset,
	do_virq,
	do_init_control,
	do_init_control,
	do_expand_array,
	do_set_priority,
	do_drain,
	do_drain,
	do_kill,
	do_expand_array,
	do_bind_ipi,
	do_bind_ipi,
	do_set_priority,
	do_close,
	do_send,
	do_send,
	do_unmask,
	do_mask,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned long free_before;

	ht_machine_init_frames(RAM);
	free_before = page_free_count();
	input = data;
	input_end = data + size;
	make_world();
	while (input < input_end) {
		unsigned int n = next();

		me = n % MODEL_DOMAINS;
		if (model[me].dead)
			continue;
		ht_preempt_every(n & 0x40 ? 1 : 0);
		ht_run(model[me].d, 0);
		unsigned int op = next() % ARRAY_SIZE(ops);

		pr_debug("d%u: operation %u\n", me, op);
		ops[op]();
		model_compare();
	}
	end_world();
	if (page_free_count() != free_before)
		panic("%lu frames are lost", free_before - page_free_count());
	return 0;
}
