/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Spinlocks: they exclude, they are fair, tickets wrap; and what debug builds find:
 * a wrong order, a lock of one's own taken again, one dropped that isn't held. The
 * latter end a child process by a panic.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hv/lib.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>

static struct spinlock l[3];

static bool dies(void (*fn)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		const struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		close(STDERR_FILENO);
		fn();
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void ranks(unsigned int a, unsigned int b, unsigned int c)
{
	spin_lock_init(&l[0], a);
	spin_lock_init(&l[1], b);
	spin_lock_init(&l[2], c);
}

static void first_then_second(void)
{
	spin_lock(&l[0]);
	spin_lock(&l[1]);
}

static void second_then_first(void)
{
	spin_lock(&l[1]);
	spin_lock(&l[0]);
}

static void order(void **state)
{
	ranks(RANK_DOMAIN, RANK_PT, RANK_NONE);
	assert_false(dies(first_then_second));
	assert_true(dies(second_then_first));
	/* Of one rank: by address. */
	ranks(RANK_PT, RANK_PT, RANK_NONE);
	assert_false(dies(first_then_second));
	assert_true(dies(second_then_first));
	/* Unranked ones go anywhere. */
	ranks(RANK_CONSOLE, RANK_NONE, RANK_NONE);
	assert_false(dies(first_then_second));
	assert_false(dies(second_then_first));
}

static void under_two(void)
{
	spin_lock(&l[0]);
	spin_lock(&l[2]);
	spin_unlock(&l[0]);
	spin_lock(&l[1]); /* above the first, below the one that is left */
}

/* A trial can't deadlock: any order will do; but what comes after it has to fit. */
static void try_out_of_order(void)
{
	spin_lock(&l[1]);
	BUG_ON(!spin_trylock(&l[0]));
}

static void after_a_trial(void)
{
	spin_lock(&l[2]);
	if (spin_trylock(&l[0]))
		spin_lock(&l[1]);
}

static void order_of_more(void **state)
{
	ranks(RANK_DOMAIN, RANK_PT, RANK_SCHED);
	assert_true(dies(under_two));
	assert_false(dies(try_out_of_order));
	assert_true(dies(after_a_trial));
}

static void twice(void)
{
	spin_lock(&l[0]);
	spin_lock(&l[0]);
}

static void drop_what_is_not_held(void)
{
	spin_unlock(&l[0]);
}

static void drop_another_cpus(void)
{
	spin_lock(&l[0]);
	ht_cpu = 1;
	spin_unlock(&l[0]);
}

static void mistakes(void **state)
{
	ranks(RANK_DOMAIN, RANK_PT, RANK_SCHED);
	assert_true(dies(twice));
	assert_true(dies(drop_what_is_not_held));
	assert_true(dies(drop_another_cpus));
}

static void states(void **state)
{
	unsigned long flags;

	ranks(RANK_DOMAIN, RANK_DOMAIN, RANK_SCHED);
	assert_int_equal(spin_held_count(), 0);
	assert_false(spin_is_locked(&l[0]));
	spin_lock(&l[0]);
	assert_true(spin_is_locked(&l[0]));
	assert_true(spin_is_held(&l[0]));
	assert_false(spin_trylock(&l[0]));
	assert_int_equal(spin_held_count(), 1);
	ht_cpu = 1;
	assert_false(spin_is_held(&l[0]));
	assert_int_equal(spin_held_count(), 0);
	ht_cpu = 0;
	spin_unlock(&l[0]);
	/* Both orders of a pair, and a pair of one. */
	spin_lock_pair(&l[1], &l[0]);
	assert_int_equal(spin_held_count(), 2);
	spin_unlock_pair(&l[1], &l[0]);
	spin_lock_pair(&l[0], &l[0]);
	assert_int_equal(spin_held_count(), 1);
	spin_unlock_pair(&l[0], &l[0]);
	/* Dropped in any order. */
	spin_lock(&l[0]);
	spin_lock(&l[2]);
	spin_unlock(&l[0]);
	assert_int_equal(spin_held_count(), 1);
	spin_unlock(&l[2]);
	flags = spin_lock_irqsave(&l[0]);
	assert_false(local_irq_is_enabled());
	spin_unlock_irqrestore(&l[0], flags);
	assert_true(local_irq_is_enabled());
	assert_int_equal(spin_held_count(), 0);
}

static void tickets_wrap(void **state)
{
	ranks(RANK_NONE, RANK_NONE, RANK_NONE);
	for (unsigned int i = 0; i < 70000; i++) {
		if (i % 3)
			spin_lock(&l[0]);
		else
			assert_true(spin_trylock(&l[0]));
		assert_true(spin_is_locked(&l[0]));
		assert_false(spin_trylock(&l[0]));
		spin_unlock(&l[0]);
		assert_false(spin_is_locked(&l[0]));
	}
}

#define THREADS 3
#define ROUNDS  20000

static unsigned long counter, other;

static void *hammer(void *arg)
{
	ht_thread_is_cpu((unsigned int)(uintptr_t)arg);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (i % 4 || !spin_trylock(&l[0]))
			spin_lock(&l[0]);
		counter++;
		other = counter;
		if (i % 64 == 0)
			sched_yield();
		BUG_ON(other != counter);
		spin_unlock(&l[0]);
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t t[THREADS];

	ranks(RANK_PT, RANK_NONE, RANK_NONE);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, hammer, (void *)(i + 1)), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(counter, THREADS * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),        cmocka_unit_test(order_of_more),
		cmocka_unit_test(mistakes),     cmocka_unit_test(states),
		cmocka_unit_test(tickets_wrap), cmocka_unit_test(threads),
	};

	ht_machine_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
