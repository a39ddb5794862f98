/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Events under real concurrency: two senders in another domain, a vCPU of the
 * guest that masks, unmasks and moves ports, and one that handles events as the
 * FIFO ABI asks, changing from the 2-level ABI while the senders are at it. The
 * handler looks only when it is told to (evtchn_upcall_pending). In the end the
 * last event of each port must have arrived. Tries E2, E5.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <hosttest/machine.h>

#define PENDING   (1U << EVTCHN_FIFO_PENDING)
#define MASKED    (1U << EVTCHN_FIFO_MASKED)
#define LINKED    (1U << EVTCHN_FIFO_LINKED)
#define BUSY      (1U << EVTCHN_FIFO_BUSY)
#define LINK_MASK ((uint32_t)EVTCHN_FIFO_LINK_MASK)

#define ROUNDS 100
#define PORTS  12
#define VCPUS  2
#define SENDS  6000

static struct domain *d0, *d1;
static evtchn_port_t local[PORTS], remote[PORTS];
static unsigned int sent[64], handled[64];
static event_word_t *words;
static struct evtchn_fifo_control_block *block[VCPUS];
static uint32_t head[VCPUS][EVTCHN_FIFO_MAX_QUEUES];
static bool fifo, senders_done;

static long op(int cmd, void *arg)
{
	return do_event_channel_op(cmd, ht_va(arg));
}

/* ---- the guest's side ------------------------------------------------------------ */

static uint32_t clear_linked(event_word_t *word)
{
	uint32_t w = READ_ONCE(*word);

	while (!__atomic_compare_exchange_n(word, &w, w & ~(LINKED | LINK_MASK), false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return w & LINK_MASK;
}

static void unmask(evtchn_port_t port)
{
	struct evtchn_unmask u = {.port = port};
	uint32_t w = READ_ONCE(words[port]);

	while (w & MASKED) {
		if (w & PENDING) {
			op(EVTCHNOP_unmask, &u);
			return;
		}
		w &= ~BUSY; /* waits while that is set */
		if (__atomic_compare_exchange_n(&words[port], &w, w & ~MASKED, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
	}
}

static void handle(evtchn_port_t port)
{
	__atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
	handled[port] = __atomic_load_n(&sent[port], __ATOMIC_SEQ_CST);
}

static void consume_one(unsigned int vcpu, unsigned int prio, uint32_t *ready)
{
	evtchn_port_t port = head[vcpu][prio];
	uint32_t link, w;

	if (!port)
		port = __atomic_load_n(&block[vcpu]->head[prio], __ATOMIC_SEQ_CST);
	assert_in_range(port, 1, 63);
	link = clear_linked(&words[port]);
	if (!link)
		*ready &= ~(1U << prio);
	w = READ_ONCE(words[port]);
	if ((w & PENDING) && !(w & MASKED))
		handle(port);
	head[vcpu][prio] = link;
}

static bool upcall(unsigned int vcpu)
{
	uint8_t *pending = &d1->vcpu[vcpu]->vcpu_info->evtchn_upcall_pending;
	uint32_t ready;

	if (!__atomic_exchange_n(pending, 0, __ATOMIC_SEQ_CST))
		return false;
	ready = __atomic_exchange_n(&block[vcpu]->ready, 0, __ATOMIC_SEQ_CST);
	while (ready) {
		consume_one(vcpu, bit_first(ready), &ready);
		ready |= __atomic_exchange_n(&block[vcpu]->ready, 0, __ATOMIC_SEQ_CST);
	}
	return true;
}

static void switch_to_fifo(void)
{
	struct evtchn_expand_array ea = {mfn_x(ht_domain_page(d1))};

	for (unsigned int v = 0; v < VCPUS; v++) {
		mfn_t mfn = ht_domain_page(d1);
		struct evtchn_init_control ic = {.control_gfn = mfn_x(mfn), .vcpu = v};

		memset(head[v], 0, sizeof(head[v]));
		block[v] = mfn_to_virt(mfn);
		assert_int_equal(op(EVTCHNOP_init_control, &ic), 0);
	}
	words = mfn_to_virt(_mfn(ea.array_gfn));
	for (unsigned int i = 0; i < 1024; i++)
		words[i] = MASKED;
	assert_int_equal(op(EVTCHNOP_expand_array, &ea), 0);
	for (unsigned int i = 0; i < PORTS; i++)
		unmask(local[i]);
	__atomic_store_n(&fifo, true, __ATOMIC_RELEASE);
}

/* ---- threads --------------------------------------------------------------------- */

static unsigned int rnd(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void *sender(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg, seed = cpu * 77;

	ht_thread_is_cpu(cpu);
	ht_run(d0, 0);
	for (unsigned int n = 0; n < SENDS; n++) {
		unsigned int i = rnd(&seed) % PORTS;
		struct evtchn_send s = {.port = remote[i]};

		__atomic_add_fetch(&sent[local[i]], 1, __ATOMIC_SEQ_CST);
		if (op(EVTCHNOP_send, &s))
			abort();
		if (n % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void *mover(void *arg)
{
	unsigned int seed = 5;

	ht_thread_is_cpu(3);
	ht_run(d1, 1);
	while (!__atomic_load_n(&senders_done, __ATOMIC_ACQUIRE)) {
		evtchn_port_t port = local[rnd(&seed) % PORTS];
		struct evtchn_bind_vcpu bv = {port, rnd(&seed) % VCPUS};
		struct evtchn_set_priority sp = {port, rnd(&seed) % 16};

		op(EVTCHNOP_bind_vcpu, &bv);
		op(EVTCHNOP_set_priority, &sp);
		if (__atomic_load_n(&fifo, __ATOMIC_ACQUIRE)) {
			__atomic_fetch_or(&words[port], MASKED, __ATOMIC_SEQ_CST);
			unmask(port);
		}
		sched_yield();
	}
	return NULL;
}

static void make_domains(void)
{
	d0 = ht_domain_new(0, 1, 1023);
	d1 = ht_domain_new(1, VCPUS, 1023);
	memset(sent, 0, sizeof(sent));
	memset(handled, 0, sizeof(handled));
	fifo = senders_done = false;
	ht_run(d1, 0);
	for (unsigned int i = 0; i < PORTS; i++) {
		struct evtchn_bind_interdomain b = {.remote_dom = 0};

		assert_int_equal(evtchn_alloc_unbound(d0, 1, &remote[i]), 0);
		b.remote_port = remote[i];
		assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), 0);
		local[i] = b.local_port;
	}
}

static void end(struct domain *d)
{
	ht_domain_dying(d);
	assert_int_equal(evtchn_destroy(d), 0);
	ht_domain_free(d);
}

static void one_round(unsigned int round)
{
	pthread_t t[3];

	make_domains();
	ht_thread_is_cpu(0);
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, sender, (void *)(i + 1)), 0);
	assert_int_equal(pthread_create(&t[2], NULL, mover, NULL), 0);
	for (unsigned int i = 0; i < round * 10; i++)
		sched_yield();
	switch_to_fifo();
	for (unsigned int i = 0; i < 20000; i++) {
		if (!upcall(i % VCPUS))
			sched_yield();
	}
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	__atomic_store_n(&senders_done, true, __ATOMIC_RELEASE);
	pthread_join(t[2], NULL);
	for (unsigned int i = 0; i < PORTS; i++)
		unmask(local[i]);
	while (upcall(0) || upcall(1))
		;
	for (unsigned int i = 0; i < PORTS; i++) {
		assert_int_equal(handled[local[i]], sent[local[i]]);
		assert_int_equal(words[local[i]], 0);
	}
	ht_run(d0, 0);
	end(d1);
	end(d0);
}

static void test_nothing_is_lost(void **state)
{
	ht_machine_init();
	for (unsigned int round = 0; round < ROUNDS; round++)
		one_round(round);
	ht_assert_quiet();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
