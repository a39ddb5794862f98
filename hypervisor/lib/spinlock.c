/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ticket spinlocks. The two halves of the word: the ticket that is served (low)
 * and the next to be handed out (high). Debug builds keep, per CPU, the stack
 * of ranks held, and panic when one is taken out of order.
 */
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>

#define TICKET_ONE (1U << 16)
#define MAX_HELD   16

struct held_locks {
	unsigned int n;
	const struct spinlock *lock[MAX_HELD];
};

static DEFINE_PER_CPU(struct held_locks, held_locks);

static void note_taken(struct spinlock *l, bool tried)
{
	struct held_locks *h;
	unsigned long flags;

	if (!IS_ENABLED(CONFIG_DEBUG))
		return;
	flags = local_irq_save();
	h = &this_cpu(held_locks);
	for (unsigned int i = 0; i < h->n && l->rank && !tried; i++) {
		/* Two of one rank by address, as spin_lock_pair() has it. */
		if (h->lock[i]->rank > l->rank || (h->lock[i]->rank == l->rank && h->lock[i] >= l))
			panic("lock order: %p (rank %u) taken with %p (rank %u) held", (void *)l,
			      l->rank, (const void *)h->lock[i], h->lock[i]->rank);
	}
	BUG_ON(h->n == MAX_HELD);
	h->lock[h->n++] = l;
	l->holder = (uint16_t)(smp_processor_id() + 1);
	local_irq_restore(flags);
}

static void note_dropped(struct spinlock *l)
{
	struct held_locks *h;
	unsigned long flags;
	unsigned int i;

	if (!IS_ENABLED(CONFIG_DEBUG))
		return;
	flags = local_irq_save();
	h = &this_cpu(held_locks);
	BUG_ON(l->holder != smp_processor_id() + 1);
	l->holder = 0;
	for (i = h->n; i && h->lock[i - 1] != l; i--)
		;
	BUG_ON(!i);
	for (; i < h->n; i++)
		h->lock[i - 1] = h->lock[i];
	h->n--;
	local_irq_restore(flags);
}

unsigned int spin_held_count(void)
{
	return IS_ENABLED(CONFIG_DEBUG) ? this_cpu(held_locks).n : 0;
}

static void acquire(struct spinlock *l)
{
	uint32_t t = __atomic_fetch_add(&l->tickets, TICKET_ONE, __ATOMIC_ACQUIRE);
	uint16_t mine = (uint16_t)(t >> 16);

	while ((uint16_t)t != mine) {
		cpu_relax();
		arch_spin_poll();
		t = __atomic_load_n(&l->tickets, __ATOMIC_ACQUIRE);
	}
}

static void release(struct spinlock *l)
{
	/* Only the holder writes the low half; a carry must not reach the high one. */
	uint16_t *serving = (uint16_t *)&l->tickets;

	__atomic_store_n(serving, (uint16_t)(*serving + 1), __ATOMIC_RELEASE);
}

void spin_lock(struct spinlock *l)
{
	acquire(l);
	note_taken(l, false);
}

bool spin_trylock(struct spinlock *l)
{
	uint32_t t = __atomic_load_n(&l->tickets, __ATOMIC_RELAXED);

	if ((uint16_t)t != (uint16_t)(t >> 16) ||
	    !__atomic_compare_exchange_n(&l->tickets, &t, t + TICKET_ONE, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	note_taken(l, true);
	return true;
}

void spin_unlock(struct spinlock *l)
{
	note_dropped(l);
	release(l);
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
	unsigned long flags = local_irq_save();

	spin_lock(l);
	return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
	spin_unlock(l);
	local_irq_restore(flags);
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
	if (a > b) {
		spin_lock(b);
		spin_lock(a);
		return;
	}
	spin_lock(a);
	if (a != b)
		spin_lock(b);
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
	if (a != b)
		spin_unlock(b);
	spin_unlock(a);
}

bool spin_is_locked(const struct spinlock *l)
{
	uint32_t t = __atomic_load_n(&l->tickets, __ATOMIC_RELAXED);

	return (uint16_t)t != (uint16_t)(t >> 16);
}

bool spin_is_held(const struct spinlock *l)
{
	return !IS_ENABLED(CONFIG_DEBUG) || READ_ONCE(l->holder) == smp_processor_id() + 1;
}
