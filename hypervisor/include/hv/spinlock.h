/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ticket spinlocks. The hypervisor's order of locks is in docs/locking.md; in
 * debug builds a lock knows its holder, a CPU counts what it holds (the count
 * must be zero on return to a guest), and taking a lock out of rank order
 * panics.
 *
 * A lock that is taken in interrupt context is taken everywhere with the
 * irqsave variants.
 */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include <hv/compiler.h>
#include <hv/types.h>

/*
 * Ranks, in the order in which locks may be nested: a CPU that holds a lock
 * takes only locks of a higher rank (two of one rank: by address, lower first,
 * through spin_lock_pair).
 */
enum lock_rank {
	RANK_NONE, /* unranked: leaf locks of one function */
	RANK_DOMCTL, /* domctl/sysctl serialisation */
	RANK_DOMAIN, /* domain.lock: life cycle, vCPU creation */
	RANK_GRANT, /* grant_table.lock */
	RANK_PT, /* domain.pt_lock: page tables, frame types */
	RANK_PHYSDEV, /* pirq maps */
	RANK_PCI, /* PCI devices */
	RANK_EVTCHN, /* domain.evtchn_lock */
	RANK_PAGE_LIST, /* domain.page_lock: page accounting */
	RANK_PIRQ, /* a domain's pirq bindings */
	RANK_IRQ, /* irq_desc.lock */
	RANK_VIRQ, /* who handles the global virqs; interrupts off */
	RANK_EVTCHN_PORT, /* one port; interrupts off */
	RANK_EVTCHN_FIFO, /* one FIFO queue; interrupts off */
	RANK_SCHED, /* run queue of a CPU */
	RANK_TIMER, /* timer heap of a CPU */
	RANK_HEAP, /* frame allocator, small-object allocator */
	RANK_CONSOLE, /* console output */
	RANK_UART, /* the serial port's ring */
};

struct spinlock {
	uint32_t tickets; /* low half: now serving; high half: next */
	uint16_t rank;
	uint16_t holder; /* debug: CPU + 1 */
};

#define SPINLOCK_INIT(r)    \
	{                   \
		.rank = (r) \
	}

static inline void spin_lock_init(struct spinlock *l, enum lock_rank rank)
{
	l->tickets = 0;
	l->rank = (uint16_t)rank;
	l->holder = 0;
}

void spin_lock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
unsigned long spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags);

/* Two locks of the same rank, in address order; @a == @b takes it once. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b);

/* Debug builds: how many this CPU holds. 0 otherwise. */
unsigned int spin_held_count(void);

bool spin_is_locked(const struct spinlock *l);
/* Debug builds: held by this CPU. Always true otherwise. */
bool spin_is_held(const struct spinlock *l);

#endif
