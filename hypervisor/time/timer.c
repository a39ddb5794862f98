/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Timers: per CPU a pairing heap with the earliest deadline at its root. The
 * links are in the timers, so arming one never needs memory. See hv/timer.h.
 */
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/softirq.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <hv/timer.h>
#include <arch/cpu.h>
#include <arch/timer.h>

struct cpu_timers {
	struct spinlock lock;
	struct timer *root;
	struct timer *running;
};

static DEFINE_PER_CPU(struct cpu_timers, cpu_timers);

/* ---- the heap --------------------------------------------------------------- */

static struct timer *heap_meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a || !b)
		return a ? a : b;
	if (b->expires < a->expires) {
		t = a;
		a = b;
		b = t;
	}
	/* b becomes a's first child */
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

/* Melds a list of siblings into one heap: pairs from left to right, then back. */
static struct timer *heap_merge_pairs(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL;

	while (first) {
		struct timer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = heap_meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *t = pairs;

		pairs = t->next;
		t->next = NULL;
		root = heap_meld(root, t);
	}
	return root;
}

static void heap_insert(struct timer **root, struct timer *t)
{
	t->child = t->next = t->prev = NULL;
	*root = heap_meld(*root, t);
}

static void heap_remove(struct timer **root, struct timer *t)
{
	struct timer *rest = heap_merge_pairs(t->child);

	if (t == *root) {
		*root = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		*root = heap_meld(*root, rest);
	}
	t->child = t->next = t->prev = NULL;
}

/* ---- timers ------------------------------------------------------------------- */

/* The lock of the CPU whose the timer is, which may change until we hold it. */
static struct cpu_timers *lock_timer(struct timer *t, unsigned long *flags)
{
	for (;;) {
		unsigned int cpu = READ_ONCE(t->cpu);
		struct cpu_timers *ct = &per_cpu(cpu_timers, cpu);

		*flags = spin_lock_irqsave(&ct->lock);
		if (t->cpu == cpu)
			return ct;
		spin_unlock_irqrestore(&ct->lock, *flags);
	}
}

void timer_init_cpu(unsigned int cpu)
{
	spin_lock_init(&per_cpu(cpu_timers, cpu).lock, RANK_TIMER);
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu)
{
	*t = (struct timer){.fn = fn, .data = data, .cpu = (uint16_t)cpu};
}

static void arm(struct cpu_timers *ct, struct timer *t, s_time_t expires)
{
	t->expires = expires;
	t->armed = true;
	heap_insert(&ct->root, t);
	/* A new earliest deadline: the CPU has to set its hardware. */
	if (ct->root == t)
		softirq_raise_cpu(t->cpu, SOFTIRQ_TIMER);
}

static void disarm(struct cpu_timers *ct, struct timer *t)
{
	if (t->armed)
		heap_remove(&ct->root, t);
	t->armed = false;
}

void timer_set(struct timer *t, s_time_t expires)
{
	unsigned long flags;
	struct cpu_timers *ct = lock_timer(t, &flags);

	disarm(ct, t);
	if (!t->dead)
		arm(ct, t, expires);
	spin_unlock_irqrestore(&ct->lock, flags);
}

void timer_stop(struct timer *t)
{
	unsigned long flags;
	struct cpu_timers *ct = lock_timer(t, &flags);

	disarm(ct, t);
	spin_unlock_irqrestore(&ct->lock, flags);
}

void timer_kill(struct timer *t)
{
	unsigned long flags;
	struct cpu_timers *ct;

	if (!t->fn)
		return; /* never made */
	ct = lock_timer(t, &flags);
	disarm(ct, t);
	t->dead = true;
	spin_unlock_irqrestore(&ct->lock, flags);
	if (t->cpu != smp_processor_id()) {
		while (READ_ONCE(ct->running) == t)
			cpu_relax();
	}
}

void timer_migrate(struct timer *t, unsigned int cpu)
{
	unsigned long flags;
	struct cpu_timers *ct = lock_timer(t, &flags);
	bool armed = t->armed;

	if (t->cpu == cpu) {
		spin_unlock_irqrestore(&ct->lock, flags);
		return;
	}
	disarm(ct, t);
	t->cpu = (uint16_t)cpu;
	spin_unlock_irqrestore(&ct->lock, flags);
	if (armed)
		timer_set(t, t->expires);
}

bool timer_is_armed(const struct timer *t)
{
	return READ_ONCE(t->armed);
}

s_time_t timer_next_deadline(void)
{
	struct cpu_timers *ct = &this_cpu(cpu_timers);
	unsigned long flags = spin_lock_irqsave(&ct->lock);
	s_time_t s = ct->root ? ct->root->expires : STIME_MAX;

	spin_unlock_irqrestore(&ct->lock, flags);
	return s;
}

/* Runs what is due, then sets the hardware for what is next. */
static void timer_softirq(void)
{
	struct cpu_timers *ct = &this_cpu(cpu_timers);
	unsigned long flags = spin_lock_irqsave(&ct->lock);
	struct timer *t;

	while ((t = ct->root) != NULL && t->expires <= time_now()) {
		disarm(ct, t);
		ct->running = t;
		spin_unlock_irqrestore(&ct->lock, flags);
		t->fn(t->data);
		flags = spin_lock_irqsave(&ct->lock);
		ct->running = NULL;
	}
	arch_timer_program(ct->root ? ct->root->expires : STIME_MAX);
	spin_unlock_irqrestore(&ct->lock, flags);
}

void timers_init(void)
{
	softirq_set_handler(SOFTIRQ_TIMER, timer_softirq);
}
