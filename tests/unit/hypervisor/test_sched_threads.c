/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Waking under real concurrency: one thread is the CPU that a vCPU that has blocked is
 * just leaving, the other one makes it runnable. Whichever is first, one of both queues
 * it: nobody would ever wake it again. Tries S1.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <hv/lib.h>
#include <arch/cpu.h>

#include "sim.h"

#define ROUNDS 200000

static struct vcpu *v;
/* The round that has begun, and the last that the CPU is through with. */
static unsigned int begun, left_it;

static void wait_for(const unsigned int *what, unsigned int round)
{
	while (__atomic_load_n(what, __ATOMIC_ACQUIRE) != round)
		cpu_relax();
}

/*
 * Stores that take long, as those of a switch may: the next ones wait for them, and what
 * is read after these is read before others see them.
 */
static void store_slowly(unsigned int round)
{
	static volatile char far_away[1 << 26];

	for (unsigned int i = 0; i < 4; i++)
		far_away[(round * 4 + i) * 4160 % sizeof(far_away)] = 1;
}

static void *leaves(void *unused)
{
	ht_thread_is_cpu(0);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		wait_for(&begun, i);
		(void)READ_ONCE(v->running);
		store_slowly(i);
		sched_switched(v);
		__atomic_store_n(&left_it, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* It has given its CPU up, and is on it still. */
static void blocks(void)
{
	set_bit(VPF_blocked, &v->pause_flags);
	vcpu_sleep_nosync(v);
	assert_false(v->queued);
	v->running = true;
}

static void woken_while_it_leaves(void **state)
{
	pthread_t other;

	sim_start(2);
	ht_relax = NULL; /* the other CPU is a thread */
	v = sim_domain(1, 1, 256)->vcpu[0];
	sim_pin(v, 1, 1);
	ht_thread_is_cpu(1);
	assert_int_equal(pthread_create(&other, NULL, leaves, NULL), 0);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		blocks();
		__atomic_store_n(&begun, i, __ATOMIC_RELEASE);
		/* Now and then a little later */
		for (unsigned int n = i % 512; n; n--)
			__asm__ volatile("");
		vcpu_kick(v);
		wait_for(&left_it, i);
		if (!v->queued)
			fail_msg("round %u: nobody has queued it", i);
	}
	pthread_join(other, NULL);
	sim_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(woken_while_it_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
