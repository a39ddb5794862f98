/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Sets of numbers kept as sorted, disjoint, non-adjacent inclusive ranges: which
 * ports, MMIO frames and interrupts a domain may use, and which nobody may.
 *
 * A set is bounded (RANGESET_MAX ranges), because the control domain can make it
 * grow. Lock: one per set (RANK_NONE: a leaf but for the allocator), taken
 * inside, so that questions and changes may come from any CPU.
 */
#ifndef HV_RANGESET_H
#define HV_RANGESET_H

#include <hv/spinlock.h>
#include <hv/types.h>

#define RANGESET_MAX 1024

struct range {
	unsigned long first, last;
};

struct rangeset {
	struct spinlock lock;
	unsigned int nr, room;
	struct range *r;
};

/* For sets that aren't allocated. */
#define RANGESET_INIT                            \
	{                                        \
		.lock = SPINLOCK_INIT(RANK_NONE) \
	}

/* An empty set, or NULL when out of memory. */
struct rangeset *rangeset_new(void);
/* Takes NULL. */
void rangeset_free(struct rangeset *rs);

/*
 * Puts all of [first, last] in, or takes it out. -EINVAL: first > last; -ENOSPC:
 * the set would have more than RANGESET_MAX ranges; -ENOMEM. On failure nothing
 * has changed.
 */
int rangeset_add(struct rangeset *rs, unsigned long first, unsigned long last);
int rangeset_remove(struct rangeset *rs, unsigned long first, unsigned long last);

/* Is all of, or any of, [first, last] in? A NULL set is empty. */
bool rangeset_contains(struct rangeset *rs, unsigned long first, unsigned long last);
bool rangeset_overlaps(struct rangeset *rs, unsigned long first, unsigned long last);

/* The @n-th range, for listings. False: there are fewer. */
bool rangeset_nth(struct rangeset *rs, unsigned int n, struct range *ret_range);

#endif
